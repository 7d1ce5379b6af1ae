"""What operators fill in about attendance."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from attendance.models import AttendancePolicy, Punch
from verification.forms import PersonChoiceForm


class PunchForm(PersonChoiceForm):
    """A punch by hand: who, which way, when and why."""

    direction = forms.ChoiceField(label=_("What"), choices=Punch.Direction.choices)
    at = forms.DateTimeField(
        label=_("When"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        error_messages={"required": _("Say when it was."), "invalid": _("Write day and time like 2026-01-31T08:30.")},
    )
    reason = forms.CharField(
        label=_("Why"),
        max_length=200,
        help_text=_("It stays on record with your name."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": _("Say why this is entered by hand.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        who = self.fields["who"]
        who.label, who.required = gettext("Person"), not self.data.get("person")
        who.error_messages["required"] = gettext("Type a name or an external ID.")
        self.fields["at"].initial = self.initial.get("at") or timezone.localtime().replace(second=0, microsecond=0)

    def add_service_error(self, error: ValidationError) -> None:
        for name, messages in error.message_dict.items():
            self.add_error(name if name in self.fields else None, messages)


class AttendancePolicyForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    class Meta:
        model = AttendancePolicy
        fields = ("cameras", "cooldown_minutes", "closing", "closing_time")
        widgets = {"closing_time": forms.TimeInput(attrs={"type": "time"}, format="%H:%M")}
