"""What the page of imports takes."""

from __future__ import annotations

import io
import os
from typing import IO, Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from enrollment.consent.policy import current_consent_policy
from enrollment.importing.consenting import AS_LISTED, PAPER, ConsentChoice, bases_at_import
from enrollment.importing.listing import MOST_BYTES
from enrollment.importing.reasons import ImportReason, ImportRefused
from enrollment.models import LegalBasis

ASKED = {
    PAPER: gettext_lazy("Everybody who is new has agreed on paper"),
    LegalBasis.CONTRACT: gettext_lazy("Nobody was asked: a contract is the basis"),
    LegalBasis.OTHER: gettext_lazy("Nobody was asked: there is another legal basis, which the note names"),
    AS_LISTED: gettext_lazy("The list says it, row by row"),
}


class ImportForm(forms.Form):
    archive = forms.FileField(
        label=gettext_lazy("ZIP with a folder for each person"),
        required=False,
        widget=forms.FileInput(attrs={"accept": ".zip,application/zip"}),
        error_messages={"empty": gettext_lazy("This file is empty. Choose another one.")},
    )
    listing = forms.FileField(
        label=gettext_lazy("List (CSV)"),
        required=False,
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,text/csv"}),
        error_messages={"empty": gettext_lazy("This file is empty. Choose another one.")},
    )
    consent = forms.ChoiceField(
        label=gettext_lazy("Why the faces of people who are new may be kept"),
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Say why these people's faces may be kept.")},
    )
    note = forms.CharField(
        label=gettext_lazy("Note"),
        max_length=300,
        required=False,
        help_text=gettext_lazy("Kept with each record: where the papers are, which contract, which other basis."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        policy = current_consent_policy()
        choices = [(str(base), ASKED[base]) for base in (*bases_at_import(policy), AS_LISTED)]
        self.fields["consent"].choices = choices  # type: ignore[attr-defined]
        self.fields["consent"].initial = "" if policy.tick_required else policy.unticked_basis
        self.fields["note"].initial = "" if policy.tick_required else policy.unticked_note

    def clean_listing(self) -> UploadedFile[Any] | None:
        listing: UploadedFile[Any] | None = self.cleaned_data["listing"]
        if listing and (listing.size or 0) > MOST_BYTES:
            raise ValidationError(str(ImportRefused(ImportReason.LIST_TOO_LONG)))
        return listing

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not data.get("archive") and not data.get("listing") and not self.errors:
            self.add_error("archive", _("Choose a ZIP, a list, or both."))
        if data.get("consent") == AS_LISTED and not data.get("listing"):
            self.add_error("consent", _("There is no list that could say it. Choose one, or another answer."))
        if data.get("consent") == LegalBasis.OTHER and not data.get("note"):
            self.add_error("note", _("Say in a note which legal basis it is."))
        return data

    def choice(self) -> ConsentChoice:
        return ConsentChoice(self.cleaned_data["consent"], " ".join(self.cleaned_data["note"].split()))

    def sent_archive(self) -> IO[bytes] | None:
        """The ZIP, which now outlives the request."""
        sent = self.cleaned_data["archive"]
        return _own_handle(sent) if sent else None

    def sent_listing(self) -> bytes | None:
        sent = self.cleaned_data["listing"]
        return sent.read() if sent else None

    def add_refusal(self, error: ImportRefused) -> None:
        field = {"zip": "archive", "list": "listing"}.get(error.code.partition("_")[0])
        self.add_error(field, str(error))


def _own_handle(sent: UploadedFile[Any]) -> IO[bytes]:
    """The same file without a name, open for as long as this handle is; a small one is in memory."""
    try:
        descriptor: int = cast(Any, sent.file).fileno()
    except (AttributeError, OSError):
        return io.BytesIO(sent.read())
    return os.fdopen(os.dup(descriptor), "rb")
