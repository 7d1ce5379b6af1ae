"""Hours and people by day as bar charts for pages; the table beside them says the same in numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from attendance.reports.rosters import DayTotals
from attendance.reports.stays import as_hours

HEIGHT = 100.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One day, or a part of it. Positions and sizes in units of the drawing, HEIGHT high and with 10 units a day."""

    day: date
    value: float
    x: float
    y: float
    height: float
    kind: str = ""


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
        bars.append(Bar(each.day, as_hours(each.worked), 10.0 * number + 1, HEIGHT - height, height))
    return Chart(tuple(bars), 10.0 * len(totals), as_hours(most))


def people_chart(totals: Sequence[DayTotals]) -> Chart | None:
    """A bar for every day: in time, late, absent. None where nobody was late or absent."""
    most = max((each.present + each.absent for each in totals), default=0)
    if not any(each.late or each.absent for each in totals):
        return None
    bars = []
    for number, each in enumerate(totals):
        top = HEIGHT
        for kind, value in (("in_time", each.in_time), ("late", each.late), ("absent", each.absent)):
            height = HEIGHT * value / most
            top -= height
            if value:
                bars.append(Bar(each.day, value, 10.0 * number + 1, top, height, kind))
    return Chart(tuple(bars), 10.0 * len(totals), most)
