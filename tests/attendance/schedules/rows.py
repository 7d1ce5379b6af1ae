"""Rows for tests of schedules."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

from django.utils import timezone

from attendance.models import Schedule
from enrollment.models import Person, PersonGroup
from tests.verification.rows import make_person

LONG_AGO = datetime(2026, 1, 1, 12, tzinfo=timezone.get_default_timezone())


def make_schedule(name: str = "Office", **values: Any) -> Schedule:
    """Monday to Friday, nine to five."""
    defaults: dict[str, Any] = {
        "weekdays": "12345",
        "starts_at": time(9),
        "ends_at": time(17),
        "valid_from": date(2026, 1, 1),
    }
    groups = values.pop("groups", ())
    made = Schedule.objects.create(name=name, for_everybody=not groups, **(defaults | values))
    made.groups.set(groups)
    return made


def make_group(name: str, *people: Person) -> PersonGroup:
    group = PersonGroup.objects.create(name=name)
    group.people.set(people)
    return group


def make_old_hand(name: str = "Ada Lovelace", **values: Any) -> Person:
    """Somebody who has been enrolled for long."""
    person = make_person(name, **values)
    Person.objects.filter(pk=person.pk).update(created_at=LONG_AGO)
    person.refresh_from_db()
    return person
