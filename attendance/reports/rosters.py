"""Who was here, late and absent in a span of days: a row for each person, with a few queries for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from attendance.models import Punch
from attendance.reports.selectors import valid_punches
from attendance.reports.spans import Span
from attendance.reports.stays import PersonDay, Stay, as_clock, stays_of
from attendance.schedules.plans import Timetable
from enrollment.models import Person
from security.days import in_days
from security.tables import in_chunks

PEOPLE_AT_ONCE = 500
"""Of a file: some thousand punches are in memory at a time."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One person's day as it stands at a moment."""

    day: PersonDay
    absent: bool
    incomplete: bool

    @property
    def closed_by_rule(self) -> bool:
        return any(stay.left is not None and stay.left.way == Punch.Way.RULE for stay in self.day.stays)


@dataclass(frozen=True, slots=True)
class Row:
    """One person's days, the first one first; those without anything too."""

    person: Person
    cells: tuple[Cell, ...]

    @property
    def worked(self) -> timedelta:
        return sum((cell.day.worked for cell in self.cells), timedelta())

    @property
    def worked_clock(self) -> str:
        return as_clock(self.worked)

    @property
    def present(self) -> int:
        return sum(bool(cell.day.stays) for cell in self.cells)

    @property
    def late(self) -> int:
        return sum(cell.day.late is not None for cell in self.cells)

    @property
    def absent(self) -> int:
        return sum(cell.absent for cell in self.cells)


@dataclass(frozen=True, slots=True)
class DayTotals:
    """Everybody's day together."""

    day: date
    worked: timedelta
    present: int
    late: int
    absent: int

    @property
    def worked_clock(self) -> str:
        return as_clock(self.worked)

    @property
    def in_time(self) -> int:
        return self.present - self.late


def read_rows(people: Sequence[Person], span: Span, timetable: Timetable, now: datetime) -> list[Row]:
    """In the order of `people`."""
    stays = _stays_by_day(people, span)
    timetable.know(people)
    return [Row(person, tuple(_cells(person, span, stays, timetable, now))) for person in people]


def read_many(keys: Sequence[int], span: Span, timetable: Timetable, now: datetime) -> Iterator[Row]:
    """For files: people by their primary keys, read page by page, in this order."""
    for some in in_chunks(keys, PEOPLE_AT_ONCE):
        found = Person.objects.in_bulk(some)
        yield from read_rows([found[key] for key in some if key in found], span, timetable, now)


def totals_by_day(rows: Sequence[Row], span: Span) -> list[DayTotals]:
    by_day = zip(span.days, zip(*(row.cells for row in rows), strict=True), strict=True) if rows else ()
    return [
        DayTotals(
            day,
            sum((cell.day.worked for cell in cells), timedelta()),
            sum(bool(cell.day.stays) for cell in cells),
            sum(cell.day.late is not None for cell in cells),
            sum(cell.absent for cell in cells),
        )
        for day, cells in by_day
    ]


def _cells(
    person: Person, span: Span, stays: dict[tuple[int, date], list[Stay]], timetable: Timetable, now: datetime
) -> Iterator[Cell]:
    for day in span.days:
        own = PersonDay(person, day, tuple(stays.get((person.pk, day), ())), timetable.plan_for(person, day))
        yield Cell(own, own.is_absent(now), own.is_incomplete(now))


def _stays_by_day(people: Sequence[Person], span: Span) -> dict[tuple[int, date], list[Stay]]:
    found: dict[tuple[int, date], list[Stay]] = {}
    for stay in stays_of(_punches(people, span)):
        found.setdefault((stay.person.pk, stay.day), []).append(stay)
    return found


def _punches(people: Sequence[Person], span: Span) -> Iterable[Punch]:
    """Of a day more on both sides: a stay over midnight needs both its ends."""
    days = in_days("at", span.since - timedelta(days=1), span.until + timedelta(days=1))
    return valid_punches().filter(days, person__in=[person.pk for person in people])
