"""What operators fill in: filters of the history, a photo to check, the choice of a person, the policies."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from enrollment.errors import EnrollmentError, PersonUnknown
from enrollment.forms import ConsentFields, PersonFields, field_of
from enrollment.models import Person
from enrollment.pictures.photos import LIMITS_SENTENCE, PHOTO_LIMITS, too_large
from enrollment.selectors import person_by_uuid, search_people
from recognizer.images import ACCEPT
from security.widgets import DayInput
from verification.models import UnknownPolicy, VerificationAttempt, VerificationPolicy
from verification.selectors import AttemptFilters

ANY = ("", _("Any"))


class AttemptFilterForm(forms.Form):
    """The filters above the history."""

    q = forms.CharField(label=_("Person"), required=False, max_length=200)
    verdict = forms.ChoiceField(label=_("Verdict"), required=False, choices=[ANY, *VerificationAttempt.Verdict.choices])
    mode = forms.ChoiceField(
        label=_("Mode"), required=False, choices=[ANY, ("identify", _("Identify")), ("verify", _("Verify"))]
    )
    liveness = forms.ChoiceField(
        label=_("Liveness"), required=False, choices=[ANY, *VerificationAttempt.LivenessVerdict.choices]
    )
    operator = forms.ModelChoiceField(
        get_user_model().objects.none(), label=_("Operator"), required=False, empty_label=_("Any")
    )
    since = forms.DateField(label=_("From"), required=False, widget=DayInput())
    until = forms.DateField(label=_("To"), required=False, widget=DayInput())
    person = forms.UUIDField(required=False, widget=forms.HiddenInput)
    """Comes with the link on a person's page."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        operators = get_user_model().objects.order_by(get_user_model().USERNAME_FIELD)
        self.fields["operator"].queryset = operators  # type: ignore[attr-defined]
        self.fields["q"].widget.attrs |= {"type": "search", "placeholder": _("Name or external ID")}

    def clean(self) -> None:
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        if since and until and since > until:
            self.add_error("until", _("This day is before the first one."))

    def filters(self) -> AttemptFilters:
        """The filters that are valid; call it after is_valid()."""
        data = self.cleaned_data
        operator = data.get("operator")
        person: UUID | None = data.get("person")
        return AttemptFilters(
            since=data.get("since"),
            until=data.get("until"),
            verdict=data.get("verdict", ""),
            mode=data.get("mode", ""),
            liveness=data.get("liveness", ""),
            operator=operator.pk if operator else None,
            text=data.get("q", ""),
            person=person,
        )


class WhatIfForm(forms.Form):
    """Under which policy the last weeks are decided again: one of the pack's rates, or any threshold."""

    fmr = forms.ChoiceField(
        label=_("Wrong matches allowed"),
        required=False,
        choices=[("", _("Any threshold")), *VerificationPolicy.FalseMatchRate.choices],
    )
    threshold = forms.FloatField(
        label=_("Threshold"),
        required=False,
        min_value=-1,
        max_value=1,
        widget=forms.NumberInput(attrs={"step": "0.001"}),
    )

    def clean(self) -> None:
        if self.errors or bool(self.cleaned_data.get("fmr")) != (self.cleaned_data.get("threshold") is not None):
            return
        self.add_error("threshold", _("Choose a rate or write a threshold, one of the two."))


class PhotoForm(forms.Form):
    """The picture of the photo check, and whether its decisions are kept."""

    photo = forms.FileField(
        label=_("Picture"),
        help_text=format_lazy("{} {}", LIMITS_SENTENCE, _("Several faces may be in it.")),
        widget=forms.ClearableFileInput(attrs={"accept": ACCEPT}),
        error_messages={"required": _("Choose a picture.")},
    )
    keep = forms.BooleanField(
        label=_("Keep each decision in the history, with a small picture of the face."), required=False, initial=True
    )

    def clean_photo(self) -> UploadedFile[Any]:
        photo: UploadedFile[Any] = self.cleaned_data["photo"]
        if (photo.size or 0) > PHOTO_LIMITS.max_bytes:
            raise ValidationError(too_large(photo.size or 0))
        return photo


class PersonChoiceForm(forms.Form):
    """One enrolled person: chosen from a list, or typed. If typed words fit several people, these become the list."""

    MOST = 8
    """People in that list at most."""

    person = forms.CharField(required=False)
    who = forms.CharField(
        label=_("Somebody else"),
        required=False,
        max_length=200,
        help_text=_("Name or external ID."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, required: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.needs_person = required
        self.chosen: Person | None = None
        self.found: list[Person] = []
        """The people whom the typed words fit, if they are several."""

    def clean(self) -> None:
        ticked, typed = self.cleaned_data.get("person", ""), self.cleaned_data.get("who", "").strip()
        if ticked:
            try:
                self.chosen = person_by_uuid(ticked)
            except PersonUnknown as error:
                self.add_error("who", str(error))
        elif typed:
            self._look_up(typed)
        elif self.needs_person:
            self.add_error("who", _("Choose a person, or type a name or an external ID."))

    def _look_up(self, typed: str) -> None:
        exact = Person.objects.filter(external_id=typed).first()
        found = [exact] if exact else list(search_people(typed)[: self.MOST + 1])
        if len(found) == 1:
            self.chosen = found[0]
        elif not found:
            self.add_error("who", _("Nobody enrolled has this name or external ID."))
        elif len(found) > self.MOST:
            self.add_error("who", _("Many people fit this. Type more of the name, or the external ID."))
        else:
            self.found = found
            self.add_error("who", _("Several people fit this. Choose one of them above."))


class NewPersonForm(PersonFields, ConsentFields):
    """Name, external ID and consent of a person who is enrolled from unknown faces."""

    def add_service_error(self, error: EnrollmentError) -> None:
        self.add_error(field_of(error), str(error))


class UnknownPolicyForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    class Meta:
        model = UnknownPolicy
        fields = ("keep", "days")


class PolicyForm(forms.Form):
    """The decision policy. site_threshold: use the threshold measured on this site instead of the pack's."""

    fmr = forms.ChoiceField(
        choices=VerificationPolicy.FalseMatchRate.choices,
        error_messages={"required": _("Choose how many wrong matches are allowed.")},
    )
    site_threshold = forms.BooleanField(required=False)
    liveness = forms.ChoiceField(
        choices=VerificationPolicy.Liveness.choices,
        error_messages={"required": _("Choose whether liveness decides.")},
    )
