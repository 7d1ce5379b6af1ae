"""What operators write down about somebody's consent."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from enrollment.consent.policy import current_consent_policy, last_day
from enrollment.consent.records import Consent, How, allowed_bases
from enrollment.consent.texts import current_text, newest_texts
from enrollment.models import ConsentText, LegalBasis
from security.widgets import DayInput


class ConsentRecordForm(forms.Form):
    """A consent on paper, a consent given once more, or another legal basis, as far as the site's policy allows it."""

    legal_basis = forms.ChoiceField(label=_("Legal basis"), widget=forms.RadioSelect)
    how = forms.ChoiceField(
        label=_("How the person agreed"),
        choices=[(How.PAPER.value, _("On paper, signed")), (How.TICKED.value, _("Here: they read the text and agree"))],
        initial=How.PAPER.value,
        widget=forms.RadioSelect,
        required=False,
        help_text=_("Counts for a consent only."),
    )
    text: forms.ModelChoiceField[ConsentText] = forms.ModelChoiceField(
        queryset=ConsentText.objects.none(),
        label=_("Text that they agreed to"),
        required=False,
        empty_label=_("Another text, on paper"),
    )
    given_on = forms.DateField(label=_("Given on"), widget=DayInput(), required=False)
    valid_until = forms.DateField(
        label=_("Until and including"),
        widget=DayInput(),
        required=False,
        help_text=_("Empty: until it is withdrawn."),
    )
    note = forms.CharField(
        label=_("Note"),
        max_length=300,
        required=False,
        help_text=_("Where the paper is kept, which contract, which other legal basis."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        policy = current_consent_policy()
        self.fields["legal_basis"].choices = allowed_bases(policy.bases)  # type: ignore[attr-defined]
        self.fields["legal_basis"].initial = policy.bases[0]
        self.fields["text"].queryset = _texts()  # type: ignore[attr-defined]
        self.fields["text"].initial = current_text()
        self.fields["given_on"].initial = timezone.localdate()
        self.fields["valid_until"].initial = last_day(policy)

    def clean_given_on(self) -> date:
        day: date = self.cleaned_data["given_on"] or timezone.localdate()
        if day > timezone.localdate():
            raise ValidationError(gettext("This day is in the future."))
        return day

    def given(self) -> Consent:
        """What is recorded. Fields that are about a consent count for nothing else."""
        data = self.cleaned_data
        if data["legal_basis"] != LegalBasis.CONSENT:
            return Consent(How.NOT_ASKED, data["legal_basis"], note=data["note"], valid_until=data["valid_until"])
        return Consent(
            data["how"] or How.PAPER,
            note=data["note"],
            text=data["text"],
            given_at=_moment(data["given_on"]),
            valid_until=data["valid_until"],
        )


def _texts() -> QuerySet[ConsentText]:
    return ConsentText.objects.filter(pk__in=[text.pk for text in newest_texts()])


def _moment(day: date) -> datetime:
    """Now for today, else noon of that day."""
    return timezone.now() if day == timezone.localdate() else timezone.make_aware(datetime.combine(day, time(12)))
