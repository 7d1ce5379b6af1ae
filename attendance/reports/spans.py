"""Days, weeks and months as reports cover them."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum


class Length(StrEnum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Span:
    """First and last day; weeks begin on Monday (ISO 8601)."""

    length: Length
    since: date
    until: date

    @property
    def days(self) -> list[date]:
        return [self.since + timedelta(days=number) for number in range((self.until - self.since).days + 1)]

    @property
    def before(self) -> date:
        """A day of the span before this one."""
        return self.since - timedelta(days=1)

    @property
    def after(self) -> date:
        return self.until + timedelta(days=1)


def span_of(length: Length, day: date) -> Span:
    """The one in which this day lies."""
    if length == Length.DAY:
        return Span(length, day, day)
    if length == Length.WEEK:
        monday = day - timedelta(days=day.weekday())
        return Span(length, monday, monday + timedelta(days=6))
    return Span(length, day.replace(day=1), day.replace(day=monthrange(day.year, day.month)[1]))
