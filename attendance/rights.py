"""What attendance holds about a person: for the copy that they may ask for, and for an erasure's receipt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from attendance.models import Punch
from enrollment.hooks import Held
from enrollment.models import Person
from security.days import moment


def held_about(person: Person) -> Iterator[Held]:
    yield Held("punches", (_punch(each) for each in person.punches.order_by("pk").iterator(chunk_size=500)))


def _punch(punch: Punch) -> dict[str, Any]:
    return {
        "punch": str(punch.uuid),
        "at": moment(punch.at),
        "direction": punch.direction,
        "way": punch.way,
        "reason": punch.reason,
        "taken_back_at": moment(punch.voided_at),
        "taken_back_because": punch.void_reason,
    }


def count_punches(people: Sequence[Person]) -> dict[str, int]:
    """How many go with these people. The database's CASCADE takes them."""
    return {"punches": Punch.objects.filter(person__in=[person.pk for person in people]).count()}
