"""What may be asked of the audit trail."""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth import get_user_model
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from security.audit.actions import Action
from security.audit.selectors import AuditFilters
from security.models import ApiKey
from security.source import COMMAND, PRODUCT
from security.widgets import DayInput

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

ANY = ("", _("Any"))
KINDS = {
    "person": _("People"),
    "policy": _("Decision policy"),
    "unknown_policy": _("Unknown faces"),
    "unknown": _("Unknown faces"),
    "attempt": _("History"),
    "pack": _("Model packs"),
    "export": _("Exports"),
    "audit": _("Audit trail"),
    "api_key": _("API keys"),
    "kiosk": _("Kiosks"),
    "approval": _("Approval"),
    "attendance_policy": _("Attendance policy"),
    "backup": _("Backup"),
    "consent_policy": _("Consent policy"),
    "consent_text": _("Consent text"),
    "day_off": _("Day off"),
    "faces": _("Faces"),
    "group": _("Group"),
    "operator": _("Operator"),
    "privacy_notice": _("Privacy notice"),
    "punch": _("Punch"),
    "retention": _("Retention"),
    "schedule": _("Schedule"),
    "second_factors": _("Second factors"),
    "site_key": _("Site key"),
    "webhook": _("Webhook"),
}
"""What groups of actions are called; a group that is missing here is called by its own word."""
OPERATOR = re.compile(r"operator:[0-9]{1,18}")
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class AuditFilterForm(forms.Form):
    """The filters above the audit trail."""

    action = forms.ChoiceField(label=_("What"), required=False)
    who = forms.ChoiceField(label=_("Who"), required=False)
    target = forms.CharField(label=_("About"), required=False, max_length=300)
    since = forms.DateField(label=_("From"), required=False, widget=DayInput())
    until = forms.DateField(label=_("To"), required=False, widget=DayInput())
    number = forms.IntegerField(label=_("Row"), required=False, min_value=1, max_value=2**63 - 1)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["action"].choices = _action_choices()  # type: ignore[attr-defined]
        self.fields["who"].choices = _who_choices(self.data.get("who", ""))  # type: ignore[attr-defined]
        self.fields["target"].widget.attrs |= {"placeholder": gettext("ID, or address of a page")}

    def clean_target(self) -> str:
        """The ID in an address that was pasted; other text as it is."""
        text: str = self.cleaned_data["target"].strip()
        found = UUID.search(text.lower()) if "/" in text else None
        return found.group() if found else text

    def clean(self) -> None:
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        if since and until and since > until:
            self.add_error("until", gettext("This day is before the first one."))

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
    return str(KINDS.get(kind) or kind.replace("_", " ").capitalize())


def _who_choices(asked: str) -> list[tuple[str, _StrOrPromise]]:
    model = get_user_model()
    people = model._default_manager.filter(api_key=None).order_by(model.USERNAME_FIELD)
    rows = people.values_list("pk", model.USERNAME_FIELD)
    operators = [(f"operator:{pk}", str(name)) for pk, name in rows]
    if OPERATOR.fullmatch(asked) and asked not in dict(operators):
        operators.append((asked, gettext("operator {number}, who is gone").format(number=asked.partition(":")[2])))
    return [
        ANY,
        *operators,
        *((f"api_key:{key.pk}", str(key)) for key in ApiKey.objects.order_by("name", "pk")),
        (COMMAND, gettext("A command")),
        (PRODUCT, gettext("The product itself")),
        ("anonymous", gettext("Somebody not signed in")),
    ]
