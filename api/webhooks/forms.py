"""What is typed about a new webhook."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from api.webhooks.events import EXPLAINED, Event
from api.webhooks.targets import MOST_CHARACTERS, TargetForbidden, clean_url


class WebhookForm(forms.Form):
    url = forms.CharField(
        label=_("Address"),
        max_length=MOST_CHARACTERS,
        help_text=_("Where the other program listens, such as https://door.example.org/hooks."),
        widget=forms.URLInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    events = forms.TypedMultipleChoiceField(
        coerce=Event,
        choices=[(event, event.value) for event in EXPLAINED],
        error_messages={"required": _("Tick at least one: without an event nothing would be sent.")},
    )

    def rows(self) -> list[dict[str, Any]]:
        """For the template: every event with its sentence."""
        ticked = set(self["events"].value() or ())
        return [{"event": event, "text": text, "ticked": event in ticked} for event, text in EXPLAINED.items()]

    def clean_url(self) -> str:
        try:
            return clean_url(self.cleaned_data["url"])
        except TargetForbidden as error:
            raise ValidationError(str(error)) from None
