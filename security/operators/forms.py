"""What is typed about an operator: a name, and the roles."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from security.operators.services import clean_username
from security.roles.table import EXPLAINED, ROLES, Role


class RolesForm(forms.Form):
    """One tick for each role. Those that the actor cannot give are shown, but cannot be changed."""

    roles = forms.TypedMultipleChoiceField(coerce=Role, choices=[(role, ROLES[role]) for role in Role], required=False)

    def __init__(self, *args: Any, assignable: Collection[Role], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.assignable = assignable

    def rows(self) -> list[dict[str, Any]]:
        """For the template: every role with its sentence, and whether it is ticked and may be."""
        ticked = set(self["roles"].value() or ())
        return [
            {
                "role": role,
                "name": ROLES[role],
                "text": EXPLAINED[role],
                "ticked": role in ticked,
                "fixed": role not in self.assignable,
            }
            for role in Role
        ]

    def clean_roles(self) -> list[Role]:
        """Ticks that the browser does not send because they are fixed stay as they are."""
        fixed = [role for role in self.initial.get("roles", ()) if role not in self.assignable]
        return [role for role in Role if role in {*self.cleaned_data["roles"], *fixed}]


class NewOperatorForm(RolesForm):
    username = forms.CharField(
        label=_("Name to sign in with"),
        max_length=150,
        help_text=_("Letters, digits and @ . + - _ only."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    )
    field_order = ["username", "roles"]

    def clean_username(self) -> str:
        try:
            return clean_username(self.cleaned_data["username"])
        except ValidationError as error:
            raise ValidationError(error.message_dict["username"]) from None

    def clean_roles(self) -> list[Role]:
        roles = super().clean_roles()
        if not roles:
            raise ValidationError(
                gettext("Tick at least one role: without one, nothing could be done with this login.")
            )
        return roles
