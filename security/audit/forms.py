"""What may be asked of the audit trail."""

from __future__ import annotations

import re
from itertools import groupby
from typing import Any

from django import forms
from django.contrib.auth import get_user_model

from security.audit.actions import Action
from security.audit.selectors import AuditFilters
from security.models import ApiKey
from security.source import COMMAND, PRODUCT

ANY = ("", "Any")
KINDS = {
    "person": "People",
    "policy": "Decision policy",
    "unknown_policy": "Unknown faces",
    "unknown": "Unknown faces",
    "attempt": "History",
    "pack": "Model packs",
    "export": "Exports",
    "audit": "Audit trail",
    "api_key": "API keys",
    "kiosk": "Kiosks",
}
"""What groups of actions are called; a group that is missing here is called by its own word."""
OPERATOR = re.compile(r"operator:[0-9]{1,18}")
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class AuditFilterForm(forms.Form):
    """The filters above the audit trail."""

    action = forms.ChoiceField(label="What", required=False)
    who = forms.ChoiceField(label="Who", required=False)
    target = forms.CharField(label="About", required=False, max_length=300)
    since = forms.DateField(label="From", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label="To", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    number = forms.IntegerField(label="Row", required=False, min_value=1, max_value=2**63 - 1)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["action"].choices = _action_choices()  # type: ignore[attr-defined]
        self.fields["who"].choices = _who_choices(self.data.get("who", ""))  # type: ignore[attr-defined]
        self.fields["target"].widget.attrs |= {"placeholder": "ID, or address of a page"}

    def clean_target(self) -> str:
        """The ID in an address that was pasted; other text as it is."""
        text: str = self.cleaned_data["target"].strip()
        found = UUID.search(text.lower()) if "/" in text else None
        return found.group() if found else text

    def clean(self) -> None:
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        if since and until and since > until:
            self.add_error("until", "This day is before the first one.")

    def filters(self) -> AuditFilters:
        """The filters that are valid; call it after is_valid()."""
        data = self.cleaned_data
        return AuditFilters(
            action=data.get("action", ""),
            who=data.get("who", ""),
            target=data.get("target", ""),
            since=data.get("since"),
            until=data.get("until"),
            number=data.get("number"),
        )


def _action_choices() -> list[Any]:
    groups = groupby(Action, key=lambda action: _kind_of(action.value))
    merged: dict[str, list[tuple[str, str]]] = {}
    for label, actions in groups:
        merged.setdefault(label, []).extend((action.value, str(action.label)) for action in actions)
    return [ANY, *merged.items()]


def _kind_of(action: str) -> str:
    kind = action.partition(".")[0]
    return KINDS.get(kind, kind.replace("_", " ").capitalize())


def _who_choices(asked: str) -> list[tuple[str, str]]:
    model = get_user_model()
    people = model._default_manager.filter(api_key=None).order_by(model.USERNAME_FIELD)
    rows = people.values_list("pk", model.USERNAME_FIELD)
    operators = [(f"operator:{pk}", str(name)) for pk, name in rows]
    if OPERATOR.fullmatch(asked) and asked not in dict(operators):
        operators.append((asked, f"operator {asked.partition(':')[2]}, who is gone"))
    return [
        ANY,
        *operators,
        *((f"api_key:{key.pk}", str(key)) for key in ApiKey.objects.order_by("name", "pk")),
        (COMMAND, "A command"),
        (PRODUCT, "The product itself"),
        ("anonymous", "Somebody not signed in"),
    ]
