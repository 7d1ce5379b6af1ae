"""Hours by day as a bar chart for the page; the table beside it says the same in numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from attendance.reports.stays import PersonDay, as_hours

HEIGHT = 100.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One day. Positions and sizes in units of the drawing, which is HEIGHT high and has 10 units a day."""

    day: date
    hours: float
    people: int
    x: float
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class HoursChart:
    bars: tuple[Bar, ...]
    width: float
    most: float
    """Hours of the highest bar."""


def hours_chart(days: Sequence[PersonDay], since: date, until: date) -> HoursChart | None:
    """A bar for every day of the span, empty ones too; None where nobody has any hours."""
    by_day: dict[date, timedelta] = {}
    people: dict[date, set[int]] = {}
    for each in days:
        by_day[each.day] = by_day.get(each.day, timedelta()) + each.worked
        people.setdefault(each.day, set()).add(each.person.pk)
    most = max(by_day.values(), default=timedelta())
    if not most:
        return None
    span = [since + timedelta(days=number) for number in range((until - since).days + 1)]
    bars = []
    for number, day in enumerate(span):
        worked = by_day.get(day, timedelta())
        height = HEIGHT * (worked / most)
        bars.append(Bar(day, as_hours(worked), len(people.get(day, ())), 10.0 * number + 1, HEIGHT - height, height))
    return HoursChart(tuple(bars), 10.0 * len(span), as_hours(most))
