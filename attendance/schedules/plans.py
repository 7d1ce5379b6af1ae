"""Which schedule counts for a person's day, and when it starts and ends. Reads its tables once for a whole report.

A schedule is for everybody. Of several the one that began last counts. A day off, and a person who was not enrolled
yet, have no plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from django.db.models import Q
from django.utils import timezone

from attendance.models import DayOff, Punch, Schedule
from enrollment.models import Person, in_span
from security.days import day_begins


@dataclass(frozen=True, slots=True)
class Plan:
    """When somebody is expected on one day, by the site's clocks."""

    schedule: Schedule
    starts: datetime
    due: datetime
    """Whoever comes later than this is late: the start and the grace."""
    ends: datetime


@dataclass(frozen=True, slots=True)
class Timetable:
    """Everything that plans of a span of days follow from."""

    schedules: tuple[Schedule, ...]
    """The newest first."""
    off: Mapping[date, str]
    """Days off and their names."""
    _plans: dict[tuple[int, date], Plan] = field(default_factory=dict)

    def plan_for(self, person: Person, day: date) -> Plan | None:
        """None: nobody expects the person on this day."""
        if day in self.off or not is_expected(person, day):
            return None
        schedule = self.schedule_for(person, day)
        return self._plan(schedule, day) if schedule else None

    def schedule_for(self, person: Person, day: date) -> Schedule | None:
        """The one that has this day of the week, of those that count for the person."""
        return next((each for each in self.schedules if each.is_in_force(day) and has_weekday(each, day)), None)

    def plans_on(self, day: date) -> list[tuple[Plan, Q]]:
        """The plans of a day, each with the people it is for. Nobody is in two of them."""
        if day in self.off:
            return []
        enrolled = Q(created_at__lt=day_begins(day))
        here = (
            enrolled & in_span(day) & (Q(is_active=True) | Q(deactivated_at__gte=day_begins(day + timedelta(days=1))))
        )
        every = next((each for each in self.schedules if each.is_in_force(day) and has_weekday(each, day)), None)
        return [(self._plan(every, day), here)] if every else []

    def _plan(self, schedule: Schedule, day: date) -> Plan:
        key = (schedule.pk, day)
        if key not in self._plans:
            self._plans[key] = plan_of(schedule, day)
        return self._plans[key]


def read_timetable() -> Timetable:
    """Two queries, whoever and whatever days are asked about afterwards."""
    return Timetable(tuple(Schedule.objects.all()), dict(DayOff.objects.values_list("day", "name")))


def suggested_moment(punch: Punch) -> datetime:
    """When the punch that this one lacks probably was: the end or the start of the person's schedule, else the same."""
    plan = read_timetable().plan_for(punch.person, timezone.localdate(punch.at))
    if plan is None:
        return punch.at
    if punch.direction == Punch.Direction.IN:
        return max(plan.ends, punch.at)
    return min(plan.starts, punch.at)


def plan_of(schedule: Schedule, day: date) -> Plan:
    starts = _at(day, schedule.starts_at)
    ends = _at(day + timedelta(days=schedule.ends_next_day), schedule.ends_at)
    return Plan(schedule, starts, starts + timedelta(minutes=schedule.grace_minutes), ends)


def has_weekday(schedule: Schedule, day: date) -> bool:
    return str(day.isoweekday()) in schedule.weekdays


def is_expected(person: Person, day: date) -> bool:
    """From the day after they were enrolled to the day before they were deactivated, in the days set for them."""
    if timezone.localdate(person.created_at) >= day or not person.is_in_span_on(day):
        return False
    if person.is_active:
        return True
    return bool(person.deactivated_at and timezone.localdate(person.deactivated_at) > day)


def _at(day: date, clock: time) -> datetime:
    return timezone.make_aware(datetime.combine(day, clock))
