"""What operators type. Names and external IDs are checked with the rules of the services."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from enrollment.consent.policy import current_consent_policy
from enrollment.consent.records import Consent, consent_at_enrolment
from enrollment.consent.texts import current_text, text_shown
from enrollment.errors import (
    ConsentRequired,
    EnrollmentError,
    ExternalIdInvalid,
    ExternalIdTaken,
    GroupUnknown,
    NameInvalid,
    NotesInvalid,
    ValidityInvalid,
)
from enrollment.membership import MAY_PUT_IN
from enrollment.models import NOTES_LENGTH, Person, PersonGroup
from enrollment.naming import tidy
from enrollment.reasons import ERRORS
from enrollment.services import (
    clean_external_id,
    clean_name,
    clean_notes,
    require_days_in_order,
    require_free_external_id,
)
from security.actors import Actor
from security.allowing import is_allowed
from security.widgets import DayInput

V = TypeVar("V")
R = TypeVar("R")


class PersonFields(forms.Form):
    """Name and external ID, checked by the functions that the services use. person: whose they are; None: a new one."""

    name = forms.CharField(
        label=_("Name"),
        max_length=200,
        error_messages={"required": _("Give the person's name.")},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    external_id = forms.CharField(
        label=_("External ID"),
        required=False,
        max_length=100,
        help_text=_("Staff or visitor number in another system."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, person: Person | None = None, **kwargs: Any) -> None:
        self.person = person
        super().__init__(*args, **kwargs)

    def clean_name(self) -> str:
        return _checked(clean_name, self.cleaned_data["name"])

    def clean_external_id(self) -> str | None:
        external_id = _checked(clean_external_id, self.cleaned_data["external_id"])
        _checked(lambda value: require_free_external_id(value, except_for=self.person), external_id)
        return external_id

    def add_service_error(self, error: EnrollmentError) -> None:
        """Put what a service refused beside the field that it is about."""
        self.add_error(field_of(error), str(error))


class PersonDetails(PersonFields):
    """What a person's page can change in one go."""

    notes = forms.CharField(
        label=_("Notes"),
        required=False,
        max_length=NOTES_LENGTH,
        help_text=_("For everybody who may see people. The person gets them with a copy of what is held."),
        widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "off"}),
    )

    def clean_notes(self) -> str:
        return _checked(clean_notes, self.cleaned_data["notes"])


class DayField(forms.DateField):
    """A day that may be left out."""

    widget = DayInput
    default_error_messages: ClassVar = {"invalid": _("A day must be written like 2026-01-31. Nothing was saved.")}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)


class ValidityForm(forms.Form):
    """The days on which a person is recognised."""

    valid_from = DayField(label=_("First day"))
    valid_until = DayField(
        label=_("Last day"),
        help_text=_("A visitor expires by itself: from the next day on nobody recognises them."),
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        try:
            require_days_in_order(data.get("valid_from"), data.get("valid_until"))
        except ValidityInvalid as error:
            self.add_error("valid_until", str(error))
        return data


class GroupsField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]  # no generic class at run time
    """Groups with a tick each."""

    widget = forms.CheckboxSelectMultiple
    default_error_messages: ClassVar = {"invalid_choice": ERRORS[GroupUnknown.code]}

    def __init__(self) -> None:
        super().__init__(PersonGroup.objects.all(), label=_("Groups"), required=False, to_field_name="uuid")


class MoreAboutPerson(ValidityForm):
    """What may be said of somebody new besides name and consent. actor: who fills it in."""

    groups = GroupsField()

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not is_allowed(actor, *MAY_PUT_IN) or not PersonGroup.objects.exists():
            del self.fields["groups"]

    @property
    def has_more(self) -> bool:
        """Whether something was filled in, so that the page must not fold it away."""
        return self.is_bound and any(self[name].data for name in MoreAboutPerson.base_fields if name in self.fields)

    def more(self) -> dict[str, Any]:
        """As NewPerson takes it."""
        data = self.cleaned_data
        days = {name: data.get(name) for name in ValidityForm.base_fields}
        return {**days, "groups": tuple(data.get("groups", ()))}


class ConsentFields(forms.Form):
    """The tick below the consent text, and which version of the text the page showed."""

    consent = forms.BooleanField(required=False, error_messages={"required": ERRORS[ConsentRequired.code]})
    consent_text = forms.CharField(required=False, max_length=20, widget=forms.HiddenInput())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # A page that asks again shows the version that was ticked, even if there is a newer one by now.
        self.text = text_shown(self.data.get("consent_text")) if self.is_bound else current_text()
        self.fields["consent"].required = current_consent_policy().tick_required
        agrees = gettext("The person has read this and agrees.")
        if self.text:
            agrees = gettext("The person has read this and agrees. (version {version})").format(
                version=self.text.version
            )
        self.fields["consent"].label = agrees
        self.fields["consent_text"].initial = self.text.pk if self.text else ""

    def given(self) -> Consent:
        """What the page records. Raises ConsentRequired."""
        data = self.cleaned_data
        return consent_at_enrolment(ticked=data.get("consent", False), text=data.get("consent_text"))


class EraseForm(forms.Form):
    """The person's name, typed to confirm the erasure."""

    typed_name = forms.CharField(label=_("Name"), widget=forms.TextInput(attrs={"autocomplete": "off"}))

    def __init__(self, *args: Any, person: Person, **kwargs: Any) -> None:
        self.person = person
        super().__init__(*args, **kwargs)

    def clean_typed_name(self) -> str:
        if tidy(self.cleaned_data["typed_name"]) != tidy(self.person.name):
            raise ValidationError(gettext("This is not the person's name as written above. Nothing was erased."))
        return self.person.name


def field_of(error: EnrollmentError) -> str | None:
    """The field of PersonFields that a refusal is about; None: the whole form."""
    if isinstance(error, NameInvalid):
        return "name"
    if isinstance(error, ExternalIdInvalid | ExternalIdTaken):
        return "external_id"
    if isinstance(error, NotesInvalid):
        return "notes"
    if isinstance(error, ValidityInvalid):
        return "valid_until"
    if isinstance(error, GroupUnknown):
        return "groups"
    return None


def _checked(rule: Callable[[V], R], value: V) -> R:
    try:
        return rule(value)
    except EnrollmentError as error:
        raise ValidationError(str(error), code=error.code) from None
