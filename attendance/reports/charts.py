"""Hours and people by day as bar charts for pages; the table beside them says the same in numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from attendance.reports.rosters import DayTotals
from attendance.reports.stays import as_hours
from security.bars import DAY, HEIGHT, Bar, left_of, stacked


@dataclass(frozen=True, slots=True)
class Chart:
    bars: tuple[Bar, ...]
    width: float
    most: float
    """What the highest bar stands for."""


def hours_chart(totals: Sequence[DayTotals]) -> Chart | None:
    """A bar for every day, empty ones too; None where nobody has any hours."""
    most = max((each.worked for each in totals), default=None)
    if not most:
        return None
    bars = []
    for number, each in enumerate(totals):
        height = HEIGHT * (each.worked / most)
        bars.append(Bar(each.day, as_hours(each.worked), left_of(number), HEIGHT - height, height))
    return Chart(tuple(bars), DAY * len(totals), as_hours(most))


def people_chart(totals: Sequence[DayTotals]) -> Chart | None:
    """A bar for every day: in time, late, absent. None where nobody was late or absent."""
    most = max((each.present + each.absent for each in totals), default=0)
    if not any(each.late or each.absent for each in totals):
        return None
    parts = ((each.day, (("in_time", each.in_time), ("late", each.late), ("absent", each.absent))) for each in totals)
    return Chart(tuple(stacked(parts, most)), DAY * len(totals), most)
