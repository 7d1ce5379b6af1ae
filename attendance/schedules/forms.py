"""What administrators fill in about schedules and days off."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from attendance.models import WEEKDAYS, DayOff, Schedule
from enrollment.models import PersonGroup
from security.widgets import DayInput

EVERYBODY, GROUPS = "everybody", "groups"
CLOCK = {"type": "time"}


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

    whom = forms.ChoiceField(
        label=_("For whom"),
        choices=[(EVERYBODY, _("Everybody")), (GROUPS, _("People in the groups chosen here"))],
        initial=EVERYBODY,
        widget=forms.RadioSelect,
        error_messages={"required": _("Say whom it is for.")},
    )
    groups = forms.ModelMultipleChoiceField(
        PersonGroup.objects.all(),
        label=_("Groups"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Whoever is in one of them no longer has the schedules for everybody while this one is in force."),
        error_messages={
            "invalid_choice": _("There is no such group."),
            "invalid_pk_value": _("There is no such group."),
        },
    )

    class Meta:
        model = Schedule
        fields = ("name", "weekdays", "starts_at", "ends_at", "grace_minutes", "valid_from", "valid_until")
        labels = {"name": _("Name")}
        widgets = {
            "name": forms.TextInput(attrs={"autocomplete": "off", "placeholder": _("Office hours")}),
            "starts_at": forms.TimeInput(attrs=CLOCK, format="%H:%M"),
            "ends_at": forms.TimeInput(attrs=CLOCK, format="%H:%M"),
            "valid_from": DayInput(),
            "valid_until": DayInput(),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["whom"] = EVERYBODY if self.instance.for_everybody else GROUPS
            self.initial["groups"] = self.instance.groups.all()
        if self.instance.for_everybody and not PersonGroup.objects.exists():
            del self.fields["whom"], self.fields["groups"]

    def chosen_groups(self) -> list[PersonGroup] | None:
        """None: it is for everybody. Call it after is_valid()."""
        for_groups = self.cleaned_data.get("whom", EVERYBODY) == GROUPS
        return list(self.cleaned_data["groups"]) if for_groups else None

    def clean(self) -> dict[str, Any] | None:
        said = super().clean()
        if (
            self.cleaned_data.get("whom") == GROUPS
            and not self.cleaned_data.get("groups")
            and "groups" not in self.errors
        ):
            self.add_error("groups", _("Choose at least one group, or everybody."))
        return said


class DayOffForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    class Meta:
        model = DayOff
        fields = ("day", "name")
        labels = {"day": _("Day"), "name": _("Name")}
        widgets = {
            "day": DayInput(),
            "name": forms.TextInput(attrs={"autocomplete": "off", "placeholder": _("New Year's Day")}),
        }
