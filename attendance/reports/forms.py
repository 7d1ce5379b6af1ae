"""What operators ask of reports."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from attendance.reports.people import Asked, Show
from attendance.reports.spans import Length, Span, span_of
from enrollment.models import PersonGroup
from security.widgets import DayInput

SHOWN = [
    (Show.EVERYBODY.value, _("Everybody")),
    (Show.PRESENT.value, _("Present")),
    (Show.LATE.value, _("Late")),
    (Show.ABSENT.value, _("Absent")),
    (Show.MISSING.value, _("A punch is missing")),
]


class SpanForm(forms.Form):
    """Which day, week or month."""

    on = forms.DateField(
        label=_("Day"),
        required=False,
        widget=DayInput(),
        error_messages={"invalid": _("Write a day like 2026-01-31.")},
    )
    span = forms.ChoiceField(
        label=_("Show"),
        required=False,
        choices=[(Length.DAY.value, _("Day")), (Length.WEEK.value, _("Week")), (Length.MONTH.value, _("Month"))],
        widget=forms.HiddenInput,
        error_messages={"invalid_choice": _("Choose day, week or month.")},
    )

    def asked_span(self) -> Span:
        """Unless said otherwise this week. Call it after is_valid()."""
        length = Length(self.cleaned_data["span"] or Length.WEEK)
        return span_of(length, self.cleaned_data["on"] or timezone.localdate())

    def clean_on(self) -> Any:
        """Beyond these years a week or a month may have no end."""
        day = self.cleaned_data["on"]
        if day and not 1970 <= day.year <= 2200:
            raise forms.ValidationError(gettext("Choose a day between 1970 and 2200."))
        return day


class ReportForm(SpanForm):
    """And whose."""

    q = forms.CharField(label=_("Person"), required=False, max_length=200)
    show = forms.ChoiceField(
        label=_("Who"), required=False, choices=SHOWN, error_messages={"invalid_choice": _("Choose one of the list.")}
    )
    group = forms.ModelChoiceField(
        PersonGroup.objects.all(),
        label=_("Group"),
        required=False,
        to_field_name="uuid",
        empty_label=_("Every group"),
        error_messages={"invalid_choice": _("There is no such group.")},
    )
    field_order = ["q", "group", "on", "show", "span"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["q"].widget.attrs |= {"type": "search", "placeholder": gettext("Name or external ID")}
        if self.data.get("span") != Length.DAY:
            self.fields["show"].widget = forms.HiddenInput()

    def asked(self) -> Asked:
        """Call it after is_valid()."""
        span = self.asked_span()
        show = Show(self.cleaned_data["show"]) if span.length == Length.DAY else Show.EVERYBODY
        return Asked(span, self.cleaned_data["q"], show, self.cleaned_data["group"])
