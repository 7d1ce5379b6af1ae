"""The site's days, one field per rule."""

from __future__ import annotations

from django import forms
from django.core.exceptions import ValidationError
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _

from security.numbers import grouped
from security.retention.policy import current_days
from security.retention.rules import RetentionRule, retention_rules


class RetentionForm(forms.Form):
    """An empty field keeps the data. Only the service says which days are allowed, in one sentence for all."""

    def __init__(self, data: MultiValueDict[str, str] | None = None) -> None:
        super().__init__(data, initial=current_days())
        for rule in retention_rules:
            self.fields[rule.key] = _field(rule)

    def add_refusals(self, error: ValidationError) -> None:
        for key, sentences in error.message_dict.items():
            for sentence in sentences:
                self.add_error(key if key in self.fields else None, sentence)


def _field(rule: RetentionRule) -> forms.IntegerField:
    span = _("{least} to {most} days; empty: kept for good.") if rule.may_keep else _("{least} to {most} days.")
    days = span.format(least=rule.least_days, most=grouped(rule.most_days))
    field = forms.IntegerField(
        label=rule.label,
        required=False,
        help_text=f"{rule.explanation} {days}",
        error_messages={"invalid": _("{label}: write a whole number of days.").format(label=rule.label)},
    )
    field.widget.attrs |= {"inputmode": "numeric", "min": rule.least_days, "max": rule.most_days}
    return field
