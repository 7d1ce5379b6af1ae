"""Which schedule counts for a person's day, and when it starts and ends. Reads its tables once for a whole report.

A schedule is for everybody or for groups. While a schedule is in force for a group that somebody is in, those for
everybody do not count for them, also on days of the week that it leaves out. Of several that are left the one that
began last counts, whichever group it is for. Who is in a group today is taken to have been in it always. A day off, and
a person who was not enrolled yet, have no plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import reduce
from operator import or_

from django.db.models import Q
from django.utils import timezone

from attendance.models import DayOff, Punch, Schedule
from enrollment.models import Person, PersonGroup, in_span
from security.days import day_begins
from security.tables import in_chunks

CHUNK = 500
"""People whose groups are read in one query."""


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
    groups: Mapping[int, frozenset[int]] = field(default_factory=dict)
    """Schedule -> the groups that it is for; those for everybody are missing."""
    _plans: dict[tuple[int, date], Plan] = field(default_factory=dict)
    _groups_of: dict[int, frozenset[int]] = field(default_factory=dict)

    def know(self, people: Iterable[Person]) -> None:
        """Read their groups together, where schedules ask for any: plan_for() then reads nothing."""
        wanted = sorted({person.pk for person in people} - self._groups_of.keys()) if self.groups else []
        for keys in in_chunks(wanted, CHUNK):
            found: dict[int, set[int]] = {key: set() for key in keys}
            rows = PersonGroup.people.through.objects.filter(person__in=keys)
            for person, group in rows.values_list("person", "persongroup"):
                found[person].add(group)
            self._groups_of.update({key: frozenset(those) for key, those in found.items()})

    def plan_for(self, person: Person, day: date) -> Plan | None:
        """None: nobody expects the person on this day."""
        if day in self.off or not is_expected(person, day):
            return None
        schedule = self.schedule_for(person, day)
        return self._plan(schedule, day) if schedule else None

    def schedule_for(self, person: Person, day: date) -> Schedule | None:
        """The one that has this day of the week, of those that count for the person."""
        self.know([person])
        mine = self._groups_of.get(person.pk, frozenset())
        in_force = [each for each in self.schedules if each.is_in_force(day)]
        own = [each for each in in_force if mine & self.groups.get(each.pk, frozenset())]
        return next((each for each in own or self._for_everybody(in_force) if has_weekday(each, day)), None)

    def plans_on(self, day: date) -> list[tuple[Plan, Q]]:
        """The plans of a day, each with the people it is for. Nobody is in two of them."""
        if day in self.off:
            return []
        here = _expectable(day)
        return [(self._plan(each, day), here & members) for each, members in self._members_on(day)]

    def expected_on(self, day: date, now: datetime) -> Q:
        """Whose plan of a day has begun."""
        plans = self.plans_on(day)
        begun = [whom for plan, whom in plans if plan.starts <= now]
        if len(begun) > 2 and len(begun) == len(
            plans
        ):  # who has which does not matter: a month must stay a short query
            return self._anybody_on(day)
        return reduce(or_, begun, Q(pk__in=[]))

    def _anybody_on(self, day: date) -> Q:
        """Who has any plan on this day."""
        in_force = [each for each in self.schedules if each.is_in_force(day)]
        for_groups = [each for each in in_force if not each.for_everybody]
        some = _in_groups(self._groups_together(each for each in for_groups if has_weekday(each, day)))
        if any(has_weekday(each, day) for each in self._for_everybody(in_force)):
            some |= ~_in_groups(self._groups_together(for_groups))
        return _expectable(day) & some

    def _groups_together(self, schedules: Iterable[Schedule]) -> frozenset[int]:
        return frozenset[int]().union(*(self.groups.get(each.pk, ()) for each in schedules))

    def _members_on(self, day: date) -> Iterator[tuple[Schedule, Q]]:
        """The schedules that count on a day, and who has each: whoever has an earlier one is left out."""
        in_force = [each for each in self.schedules if each.is_in_force(day)]
        taken: frozenset[int] = frozenset()
        for each in in_force:
            mine = self.groups.get(each.pk)
            if mine and has_weekday(each, day):
                yield each, _in_groups(mine) & ~_in_groups(taken)
                taken |= mine
        every = next((each for each in self._for_everybody(in_force) if has_weekday(each, day)), None)
        if every:
            yield every, ~_in_groups(self._groups_together(in_force))

    def _for_everybody(self, schedules: Iterable[Schedule]) -> list[Schedule]:
        return [each for each in schedules if each.for_everybody]

    def _plan(self, schedule: Schedule, day: date) -> Plan:
        key = (schedule.pk, day)
        if key not in self._plans:
            self._plans[key] = plan_of(schedule, day)
        return self._plans[key]


def read_timetable() -> Timetable:
    """Three queries, whatever days are asked about afterwards; know() adds one for 500 people."""
    schedules = tuple(Schedule.objects.prefetch_related("groups"))
    groups = {
        each.pk: frozenset(group.pk for group in each.groups.all()) for each in schedules if not each.for_everybody
    }
    return Timetable(schedules, dict(DayOff.objects.values_list("day", "name")), groups)


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


def _expectable(day: date) -> Q:
    """As is_expected() says it of one person."""
    active = Q(is_active=True) | Q(deactivated_at__gte=day_begins(day + timedelta(days=1)))
    return Q(created_at__lt=day_begins(day)) & in_span(day) & active


def _in_groups(groups: Iterable[int]) -> Q:
    members = PersonGroup.people.through.objects.filter(persongroup__in=sorted(groups))
    return Q(pk__in=members.values("person")) if groups else Q(pk__in=[])


def _at(day: date, clock: time) -> datetime:
    return timezone.make_aware(datetime.combine(day, clock))
