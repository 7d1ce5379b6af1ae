"""Which people were picked, and what shall be done with them."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from enrollment.membership import MAY_PUT_IN
from enrollment.models import PersonGroup
from security.actors import Actor
from security.allowing import is_allowed
from security.rights import Right

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise


class Deed(StrEnum):
    ACTIVATE = "activate"
    DEACTIVATE = "deactivate"
    PUT = "put"
    TAKE = "take"
    EXPORT = "export"
    ERASE = "erase"


DEEDS: Sequence[tuple[Deed, _StrOrPromise, tuple[Right, ...]]] = (
    (Deed.ACTIVATE, _("Activate"), (Right.CORRECT, Right.ERASE)),
    (Deed.DEACTIVATE, _("Deactivate"), (Right.CORRECT, Right.ERASE)),
    (Deed.PUT, _("Put into the group"), MAY_PUT_IN),
    (Deed.TAKE, _("Take out of the group"), (Right.CORRECT,)),
    (Deed.EXPORT, _("Export as CSV"), (Right.EXPORT,)),
    (Deed.ERASE, _("Erase"), (Right.ERASE,)),
)
"""Each with its words and the rights of which one is enough; the services ask for them again."""


def deeds_of(actor: Actor | None) -> list[tuple[str, _StrOrPromise]]:
    """What this operator may do with those who are picked."""
    return [(deed.value, words) for deed, words, rights in DEEDS if any(is_allowed(actor, right) for right in rights)]


class PickedForm(forms.Form):
    """Sent from the list of people: those with a tick, or all that its filter finds."""

    deed = forms.ChoiceField(label=_("What to do"), error_messages={"required": _("Choose what to do.")})
    to_group = forms.ModelChoiceField(
        PersonGroup.objects.all(), label=_("Group"), required=False, to_field_name="uuid", empty_label=_("Group")
    )
    everybody = forms.BooleanField(required=False)
    people = forms.CharField(required=False, widget=forms.HiddenInput())
    """uuids with commas between them: a page to confirm names thousands in one field."""

    def __init__(self, *args: object, actor: Actor | None, ticked: Sequence[str] = (), **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.ticked = ticked
        deeds = deeds_of(actor)
        self.fields["deed"].choices = deeds and [("", gettext("What to do")), *deeds]  # type: ignore[attr-defined]

    def clean_people(self) -> list[UUID]:
        texts = [*filter(None, self.cleaned_data["people"].split(",")), *self.ticked]
        try:
            return [UUID(text) for text in texts]
        except ValueError:
            raise ValidationError(gettext("The list of people could not be read. Load the page again.")) from None

    def clean(self) -> None:
        data = self.cleaned_data
        if not data.get("everybody") and "people" in data and not data["people"]:
            raise ValidationError(gettext("Nobody is picked: tick whom you mean."))
        if data.get("deed") in (Deed.PUT, Deed.TAKE) and not data.get("to_group"):
            raise ValidationError(gettext("Choose the group, too."))


class ConfirmForm(forms.Form):
    """How many people go for good, typed by hand."""

    typed_number = forms.IntegerField(
        label=_("Number of people"),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        error_messages={"required": _("Type the number."), "invalid": _("Type the number.")},
    )

    def __init__(self, *args: object, number: int, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.number = number

    def clean_typed_number(self) -> int:
        if self.cleaned_data["typed_number"] != self.number:
            raise ValidationError(gettext("This is not the number written above. Nobody was erased."))
        return self.number
