"""The forms that upload pictures."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from enrollment.errors import EnrollmentError
from enrollment.forms import ConsentFields, MoreAboutPerson, PersonFields, field_of
from enrollment.pictures.photos import LIMITS_SENTENCE, MAX_FILES
from enrollment.services import NewPerson
from recognizer.images import ACCEPT


class ManyFilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class PhotosField(forms.FileField):
    """Up to MAX_FILES files. Their content is checked later, each by itself: one bad file must not spoil the rest."""

    widget = ManyFilesInput

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.widget.attrs |= {"accept": ACCEPT, "multiple": True}

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile[Any]]:
        files: list[UploadedFile[Any]] = data or []
        if self.required and not files:
            raise ValidationError(gettext("Choose at least one picture."), code="required")
        if len(files) > MAX_FILES:
            raise ValidationError(
                gettext("You chose {number} pictures. Choose at most {limit} at a time.").format(
                    number=len(files), limit=MAX_FILES
                )
            )
        return files


class PhotosForm(forms.Form):
    """Pictures of a person who is enrolled already."""

    photos = PhotosField(
        label=_("Pictures"),
        required=False,
        help_text=format_lazy(
            _("Up to {number} pictures at a time. Each: {limits}"), number=MAX_FILES, limits=LIMITS_SENTENCE
        ),
    )

    def add_service_error(self, error: EnrollmentError) -> None:
        self.add_error(None, str(error))


class NewPersonPhotosForm(PersonFields, MoreAboutPerson, PhotosForm, ConsentFields):
    """Pictures of a new person, with name, external ID, consent, and what else is known already."""

    field_order = ["name", "external_id", "photos", "consent"]

    def new_person(self) -> NewPerson:
        """Raises ConsentRequired."""
        data = self.cleaned_data
        return NewPerson(data["name"], data["external_id"], self.given(), **self.more())

    def add_service_error(self, error: EnrollmentError) -> None:
        field = field_of(error)
        self.add_error(field if field in self.fields else None, str(error))
