"""Whom a report is about: found by the database alone, so that a page reads no more punches than it shows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db.models import Q, QuerySet

from attendance.models import Punch
from attendance.reports.selectors import lonely_punches
from attendance.reports.spans import Span
from attendance.schedules.plans import Timetable
from enrollment.models import Person, PersonGroup
from enrollment.selectors import said_of
from security.days import day_begins, in_days


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


def people_of(asked: Asked, timetable: Timetable, now: datetime) -> QuerySet[Person]:
    """By name: those who were expected or here in the span, and fit what was asked."""
    people = Person.objects.filter(said_of(asked.text)).order_by("name", "pk")
    if asked.group:
        people = people.filter(groups=asked.group)
    return people.filter(_shown(asked, timetable, now))


def count_of_each(asked: Asked, timetable: Timetable, now: datetime) -> dict[str, int]:
    """Of a day: how many people fit, for each of Show's other than everybody."""
    wanted = [show for show in Show if show]
    return {show.value: people_of(replace(asked, show=show), timetable, now).count() for show in wanted}


def _shown(asked: Asked, timetable: Timetable, now: datetime) -> Q:
    day = asked.span.since
    if asked.show == Show.PRESENT:
        return _here(asked.span)
    if asked.show == Show.LATE:
        return _late(day, timetable)
    if asked.show == Show.ABSENT:
        return _absent(asked.span, timetable, now)
    if asked.show == Show.MISSING:
        return Q(pk__in=_people(_lonely(day, now)))
    expected = Q(pk__in=[])
    for each in asked.span.days:
        expected |= timetable.expected_on(each, now)
    return expected | _here(asked.span)


def _here(span: Span) -> Q:
    """Whoever has a stay that began in the span."""
    came = _check_ins(span.since, span.until)
    stray = lonely_punches(*_moments(span)).filter(direction=Punch.Direction.OUT)
    return Q(pk__in=_people(came)) | Q(pk__in=_people(stray))


def _check_ins(since: date, until: date) -> QuerySet[Punch]:
    return Punch.objects.filter(in_days("at", since, until), voided_at=None, direction=Punch.Direction.IN)


def _late(day: date, timetable: Timetable) -> Q:
    """Whoever came after they were due, and not before it."""
    came = _check_ins(day, day)
    found = Q(pk__in=[])
    for plan, whom in timetable.plans_on(day):
        in_time, after = came.filter(at__lte=plan.due), came.filter(at__gt=plan.due)
        found |= whom & Q(pk__in=_people(after)) & ~Q(pk__in=_people(in_time))
    return found


def _absent(span: Span, timetable: Timetable, now: datetime) -> Q:
    found = Q(pk__in=[])
    for plan, whom in timetable.plans_on(span.since):
        if now > plan.due:
            found |= whom & ~_here(span)
    return found


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
