"""What staff type about consent and privacy."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from enrollment.models import ConsentPolicy, LegalBasis
from enrollment.privacy.saving import PolicyChoice

OTHER_BASES = [(basis.value, basis.label) for basis in LegalBasis if basis != LegalBasis.CONSENT]


class ConsentTextForm(forms.Form):
    """One language and the whole text."""

    language = forms.CharField(
        label=_("Language"),
        max_length=10,
        help_text=_("A code: en, de, fr, ar ... A new code begins a new language."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
        error_messages={"required": _("Give the language as a code, such as en, de or fr-ca.")},
    )
    body = forms.CharField(
        label=_("Text"),
        max_length=20_000,
        help_text=_("Plain text. An empty line begins a new paragraph."),
        widget=forms.Textarea(attrs={"rows": 12, "translate": "no"}),
        error_messages={"required": _("Write what the person agrees to.")},
    )


class ConsentPolicyForm(forms.Form):
    """ConsentPolicy, field by field."""

    bases = forms.MultipleChoiceField(
        label=_("Legal bases that may be recorded"),
        choices=LegalBasis.choices,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one legal basis.")},
    )
    tick_required = forms.BooleanField(label=_("Nobody is enrolled on a page without the tick"), required=False)
    unticked_basis = forms.ChoiceField(
        label=_("Recorded when the tick is missing"),
        choices=[("", _("Nothing: the tick is needed")), *OTHER_BASES],
        required=False,
    )
    unticked_note = forms.CharField(
        label=_("Note to that"),
        max_length=300,
        required=False,
        help_text=_("Which contract, or which other legal basis."),
    )
    months = forms.IntegerField(
        label=_("A consent lasts, in months"),
        min_value=1,
        max_value=120,
        required=False,
        help_text=_("Empty: until it is withdrawn. It counts for consents from now on."),
    )
    grace_days = forms.IntegerField(
        label=_("Days from its end to the erasure"),
        min_value=0,
        max_value=90,
        help_text=_("The person is not searched from the end on; within these days it can still be undone or renewed."),
        error_messages={"required": _("Give the number of days, 0 to 90.")},
    )

    @classmethod
    def of(cls, policy: ConsentPolicy) -> ConsentPolicyForm:
        """An unbound form that shows this policy."""
        return cls(initial={name: getattr(policy, name) for name in cls.base_fields})

    def choice(self) -> PolicyChoice:
        return PolicyChoice(**self.cleaned_data)


class PrivacyNoticeForm(forms.Form):
    """The site's own words on the public page."""

    purpose = forms.CharField(
        label=_("Purpose"),
        max_length=5_000,
        required=False,
        help_text=_("Why faces are recognised here, where the cameras are, and on which legal basis."),
        widget=forms.Textarea(attrs={"rows": 6}),
    )
    contact = forms.CharField(
        label=_("Contact"),
        max_length=2_000,
        required=False,
        help_text=_("Who is responsible, and whom to write to or to call: name, address, e-mail, telephone."),
        widget=forms.Textarea(attrs={"rows": 5}),
    )
    more = forms.CharField(
        label=_("More"),
        max_length=10_000,
        required=False,
        help_text=_("Anything else: your data protection officer, the supervisory authority for complaints."),
        widget=forms.Textarea(attrs={"rows": 6}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.use_required_attribute = False
