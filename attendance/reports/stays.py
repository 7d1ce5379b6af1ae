"""Stays: a check-in and the check-out that ends it. No database in here.

Whoever forgets one is not guessed at: a check-in without its end is an open stay, a check-out without a beginning a
stray one. Both are shown as such until somebody enters what is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils import timezone

from attendance.models import Punch
from attendance.schedules.plans import Plan
from enrollment.models import Person


@dataclass(frozen=True, slots=True)
class Stay:
    """One of the two is None where a punch is missing."""

    person: Person
    came: Punch | None
    left: Punch | None

    @property
    def day(self) -> date:
        """On which it began, by the site's clocks; a stay over midnight belongs to its first day."""
        return timezone.localdate(next(punch.at for punch in (self.came, self.left) if punch))

    @property
    def length(self) -> timedelta | None:
        """None while a punch is missing."""
        return self.left.at - self.came.at if self.came and self.left else None


@dataclass(frozen=True, slots=True)
class PersonDay:
    """One person's day."""

    person: Person
    day: date
    stays: tuple[Stay, ...]
    plan: Plan | None = None
    """When they were expected; None: they were not."""

    @property
    def worked(self) -> timedelta:
        """Of the stays that have both ends."""
        return sum((stay.length for stay in self.stays if stay.length), timedelta())

    @property
    def worked_clock(self) -> str:
        return as_clock(self.worked)

    @property
    def first_in(self) -> datetime | None:
        return next((stay.came.at for stay in self.stays if stay.came), None)

    @property
    def last_out(self) -> datetime | None:
        return next((stay.left.at for stay in reversed(self.stays) if stay.left), None)

    @property
    def late(self) -> timedelta | None:
        """How long after the start they came; None: in time, within the grace, or not expected."""
        came = self.first_in
        return came - self.plan.starts if came and self.plan and came > self.plan.due else None

    def is_absent(self, now: datetime) -> bool:
        """Whether they should have been here by now and have not been."""
        return self.plan is not None and not self.stays and now > self.plan.due

    def is_incomplete(self, now: datetime) -> bool:
        """Whether a punch is missing. Somebody who is in today is not late with going."""
        today = self.day == timezone.localdate(now)
        return any(stay.came is None or (stay.left is None and not today) for stay in self.stays)


def as_hours(length: timedelta) -> float:
    """Hours to the hundredth."""
    return round(length.total_seconds() / 3600, 2)


def as_clock(length: timedelta) -> str:
    """Hours and minutes: "7:45"."""
    minutes = round(length.total_seconds() / 60)
    return f"{minutes // 60}:{minutes % 60:02}"


def stays_of(punches: Iterable[Punch]) -> Iterator[Stay]:
    """Stays by person, each person's in their order. punches: with their people, none of them voided, in any order."""
    by_person: dict[int, list[Punch]] = {}
    for punch in punches:
        by_person.setdefault(punch.person_id, []).append(punch)
    for own in by_person.values():
        yield from _pair(sorted(own, key=lambda punch: (punch.at, punch.pk)))


def _pair(punches: list[Punch]) -> Iterator[Stay]:
    came: Punch | None = None
    for punch in punches:
        if punch.direction == Punch.Direction.IN:
            if came:
                yield Stay(came.person, came, None)
            came = punch
        elif came and punch.ends_stay_of(came):
            yield Stay(came.person, came, punch)
            came = None
        else:
            if came:
                yield Stay(came.person, came, None)
            yield Stay(punch.person, None, punch)
            came = None
    if came:
        yield Stay(came.person, came, None)


def days_of(stays: Iterable[Stay]) -> list[PersonDay]:
    """Newest day first, and by name within a day."""
    found: dict[tuple[date, int], list[Stay]] = {}
    for stay in stays:
        found.setdefault((stay.day, stay.person.pk), []).append(stay)
    days = [PersonDay(own[0].person, day, tuple(own)) for (day, _), own in found.items()]
    return sorted(days, key=lambda each: (-each.day.toordinal(), each.person.name, each.person.pk))
