"""What is typed about a new key."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from security.keys.scopes import EXPLAINED, Scope
from security.keys.services import MOST_REQUESTS_PER_MINUTE, REQUESTS_PER_MINUTE, clean_addresses
from security.widgets import DayInput


class NewKeyForm(forms.Form):
    name = forms.CharField(
        label=_("Name"),
        max_length=60,
        help_text=_("What will use the key. History and audit trail show it."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    scopes = forms.TypedMultipleChoiceField(
        coerce=Scope,
        choices=[(scope, scope.value) for scope in Scope],
        error_messages={"required": _("Tick at least one: without a scope, the key could do nothing.")},
    )
    expires = forms.DateField(
        label=_("Last day"),
        required=False,
        help_text=_("Empty: it does not expire."),
        widget=DayInput(),
    )
    addresses = forms.CharField(
        label=_("Only from these addresses"),
        required=False,
        max_length=1000,
        help_text=_("Addresses or networks such as 10.20.0.0/16, with spaces between them. Empty: from anywhere."),
    )
    requests_per_minute = forms.IntegerField(
        label=_("Requests per minute"),
        initial=REQUESTS_PER_MINUTE,
        min_value=1,
        max_value=MOST_REQUESTS_PER_MINUTE,
        help_text=_("More are refused until the minute is over."),
    )

    def rows(self) -> list[dict[str, Any]]:
        """For the template: every scope with its sentence."""
        ticked = set(self["scopes"].value() or ())
        return [{"scope": scope, "text": EXPLAINED[scope], "ticked": scope in ticked} for scope in Scope]

    def clean_addresses(self) -> list[str]:
        try:
            return clean_addresses(self.cleaned_data["addresses"].replace(",", " ").split())
        except ValidationError as error:
            raise ValidationError(error.message_dict["addresses"]) from None

    def clean_expires(self) -> datetime | None:
        """The end of that day."""
        day = self.cleaned_data["expires"]
        if day is None:
            return None
        if day < timezone.localdate():
            raise ValidationError(gettext("This day is over. Choose a later one."))
        return timezone.make_aware(datetime.combine(day, time.max))
