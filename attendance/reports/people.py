"""Whom a report is about: found by the database alone, so that a page reads no more punches than it shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import reduce
from itertools import islice, pairwise
from operator import or_
from typing import Any, Final

from django.db.models import Q, QuerySet

from attendance.models import Punch
from attendance.reports.selectors import lonely_punches
from attendance.reports.spans import Length, Span
from attendance.schedules.plans import Timetable
from enrollment.models import Person, PersonGroup
from enrollment.selectors import said_of
from security.days import day_begins, in_days
from security.row_sets import RowSet

FIRST_NAMES: Final = 1_000
"""Which are read at least for a page of some of these people."""


class Show(StrEnum):
    """Which people of a day."""

    EVERYBODY = ""
    PRESENT = "present"
    LATE = "late"
    ABSENT = "absent"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants to see."""

    span: Span
    text: str = ""
    show: Show = Show.EVERYBODY
    """Only of a single day; else it is EVERYBODY."""
    group: PersonGroup | None = None


def keys_of(asked: Asked, timetable: Timetable, now: datetime) -> ByName | QuerySet[Person, int]:
    """Primary keys by name: those who were expected or here in the span, and fit what was asked."""
    if asked.span.length == Length.DAY:
        return ByName(asked, people_of_day(asked, timetable, now)[asked.show])
    # In this order: of whoever was expected no database asks whether they came.
    found = Q(pk__in=[])
    for each in asked.span.days:
        found |= timetable.expected_on(each, now)
    return _narrowed(asked).filter(found | _here(asked.span)).values_list("pk", flat=True)


def people_of_day(asked: Asked, timetable: Timetable, now: datetime) -> dict[Show, RowSet]:
    """Of a day: those who fit, for each of Show's.

    Compared in memory: for each question about them a database would list all who came that day anew, which takes a
    tenth of a second for 200,000 people.
    """
    day, people = asked.span.since, _narrowed(asked)
    times: dict[tuple[datetime, datetime], Q] = {}
    for plan, whom in timetable.plans_on(day):
        times[plan.starts, plan.due] = times.get((plan.starts, plan.due), Q(pk__in=[])) | whom
    came = _first_check_ins(day, sorted({due for _, due in times}))
    here = reduce(or_, came.values(), RowSet.of(_stray(asked.span), "person"))
    expected, late, absent = RowSet(), RowSet(), RowSet()
    for (starts, due), whom in times.items():
        theirs = RowSet.of(people.filter(whom))
        if starts <= now:
            expected |= theirs
        if due < now:
            absent |= theirs - here
        late |= theirs & reduce(or_, (keys for passed, keys in came.items() if passed and passed >= due))
    found = {
        Show.EVERYBODY: expected | here,
        Show.PRESENT: here,
        Show.LATE: late,
        Show.ABSENT: absent,
        Show.MISSING: RowSet.of(_lonely(day, now), "person"),
    }
    if asked.text or asked.group:
        narrowed = RowSet.of(people)
        found = {show: keys & narrowed for show, keys in found.items()}
    return found


class ByName:
    """The primary keys of some people in the order of their names. A page reads names as far as it needs them."""

    def __init__(self, asked: Asked, keys: RowSet) -> None:
        self._people = _narrowed(asked)
        self._keys = keys

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[int]:
        return (key for key in self._people.values_list("pk", flat=True).iterator() if key in self._keys)

    def __getitem__(self, which: slice) -> list[int]:
        return list(islice(self._in_parts(), which.start, which.stop))

    def _in_parts(self) -> Iterator[int]:
        """As __iter__(), in ever larger parts: MariaDB's client first takes the whole of an answer."""
        start, size, keys = 0, FIRST_NAMES, self._people.values_list("pk", flat=True)
        while found := list(keys[start : start + size]):
            yield from (key for key in found if key in self._keys)
            start, size = start + size, 2 * size


def _narrowed(asked: Asked) -> QuerySet[Person]:
    people = Person.objects.filter(said_of(asked.text)).order_by("name", "pk")
    return people.filter(groups=asked.group) if asked.group else people


def _first_check_ins(day: date, dues: list[datetime]) -> dict[datetime | None, RowSet]:
    """The last of `dues`, which ascend, that had passed when somebody came first -> who that was; None: none had."""
    found: dict[datetime | None, RowSet] = {}
    seen = RowSet()
    for passed, next_one in pairwise([None, *dues, None]):
        came = _check_ins(day, day)
        came = came.filter(at__gt=passed) if passed else came
        came = came.filter(at__lte=next_one) if next_one else came
        found[passed] = RowSet.of(came, "person") - seen
        seen |= found[passed]
    return found


def _here(span: Span) -> Q:
    """Whoever has a stay that began in the span."""
    came = _check_ins(span.since, span.until)
    return Q(pk__in=_people(came)) | Q(pk__in=_people(_stray(span)))


def _check_ins(since: date, until: date) -> QuerySet[Punch]:
    return Punch.objects.filter(in_days("at", since, until), voided_at=None, direction=Punch.Direction.IN)


def _stray(span: Span) -> QuerySet[Punch]:
    """Check-outs without a check-in."""
    return lonely_punches(*_moments(span)).filter(direction=Punch.Direction.OUT)


def _lonely(day: date, now: datetime) -> QuerySet[Punch]:
    """Somebody who is in today has forgotten nothing."""
    begins = day_begins(day)
    found = lonely_punches(begins, day_begins(day + timedelta(days=1)))
    today = begins <= now < day_begins(day + timedelta(days=1))
    return found.filter(direction=Punch.Direction.OUT) if today else found


def _moments(span: Span) -> tuple[datetime, datetime]:
    return day_begins(span.since), day_begins(span.after)


def _people(punches: QuerySet[Punch]) -> QuerySet[Any, Any]:
    return punches.order_by().values("person")
