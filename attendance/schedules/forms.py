"""What administrators fill in about schedules and days off."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from attendance.models import WEEKDAYS, DayOff, Schedule

CLOCK = {"type": "time"}
DAY = {"type": "date"}


class WeekdaysField(forms.MultipleChoiceField):
    """Boxes on the page; "12345" in the table."""

    widget = forms.CheckboxSelectMultiple

    def prepare_value(self, value: Any) -> Any:
        return list(value) if value else []

    def clean(self, value: Any) -> str:
        return "".join(sorted(super().clean(value)))


class ScheduleForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    weekdays = WeekdaysField(
        label=_("Days of the week"),
        choices=list(WEEKDAYS.items()),
        initial="12345",
        error_messages={"required": _("Choose at least one day of the week.")},
    )

    class Meta:
        model = Schedule
        fields = ("name", "weekdays", "starts_at", "ends_at", "grace_minutes", "valid_from", "valid_until")
        labels = {"name": _("Name")}
        widgets = {
            "name": forms.TextInput(attrs={"autocomplete": "off", "placeholder": _("Office hours")}),
            "starts_at": forms.TimeInput(attrs=CLOCK, format="%H:%M"),
            "ends_at": forms.TimeInput(attrs=CLOCK, format="%H:%M"),
            "valid_from": forms.DateInput(attrs=DAY, format="%Y-%m-%d"),
            "valid_until": forms.DateInput(attrs=DAY, format="%Y-%m-%d"),
        }


class DayOffForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    class Meta:
        model = DayOff
        fields = ("day", "name")
        labels = {"day": _("Day"), "name": _("Name")}
        widgets = {
            "day": forms.DateInput(attrs=DAY, format="%Y-%m-%d"),
            "name": forms.TextInput(attrs={"autocomplete": "off", "placeholder": _("New Year's Day")}),
        }
