"""What operators fill in about attendance."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from attendance.models import AttendancePolicy, Punch
from verification.forms import PersonChoiceForm

MOST_DAYS = 92


class PunchForm(PersonChoiceForm):
    """A punch by hand: who, which way, when and why."""

    direction = forms.ChoiceField(label="What", choices=Punch.Direction.choices)
    at = forms.DateTimeField(
        label="When",
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        error_messages={"required": "Say when it was.", "invalid": "Write day and time like 2026-01-31T08:30."},
    )
    reason = forms.CharField(
        label="Why",
        max_length=200,
        help_text="It stays on record with your name.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Say why this is entered by hand."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        who = self.fields["who"]
        who.label, who.required = "Person", not self.data.get("person")
        who.error_messages["required"] = "Type a name or an external ID."
        self.fields["at"].initial = timezone.localtime().replace(second=0, microsecond=0)

    def add_service_error(self, error: ValidationError) -> None:
        for name, messages in error.message_dict.items():
            self.add_error(name if name in self.fields else None, messages)


class DaysForm(forms.Form):
    """Which days, and whose."""

    q = forms.CharField(label="Person", required=False, max_length=200)
    since = forms.DateField(label="From", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label="To", required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["q"].widget.attrs |= {"type": "search", "placeholder": "Name or external ID"}

    def clean(self) -> None:
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        if since and until and since > until:
            self.add_error("until", "This day is before the first one.")
        elif since and until and until - since >= timedelta(days=MOST_DAYS):
            self.add_error("until", f"Choose at most {MOST_DAYS} days.")

    def span(self) -> tuple[date, date]:
        """First and last day; unless said otherwise the week up to today. Call it after is_valid()."""
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        if until is None:
            today = timezone.localdate()
            until = min(today, since + timedelta(days=MOST_DAYS - 1)) if since else today
            until = max(until, since) if since else until
        return since or until - timedelta(days=6), until


class AttendancePolicyForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    class Meta:
        model = AttendancePolicy
        fields = ("cameras", "cooldown_minutes")
