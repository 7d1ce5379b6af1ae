"""Who is in, as a list that is looked at all day long: read again only to learn that nothing has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from django.utils import timezone

from attendance.reports.stays import Stay
from security.written_days import written


def version_of(stays: Sequence[Stay]) -> str:
    """Another one whenever the list says something else: who, since when, and on which day that is read."""
    seen = [f"{stay.came.pk}:{stay.person.updated_at.timestamp()}:{group_of(stay)}" for stay in stays if stay.came]
    parts = [str(timezone.localdate()), *seen]
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:32]


def by_group(stays: Sequence[Stay]) -> list[tuple[str, list[Stay]]]:
    """Groups by name, each with its people; those without a group last. Nobody stands in the list twice.

    Where nobody has a group it is one list without a name.
    """
    found: dict[str, list[Stay]] = {}
    for stay in stays:
        found.setdefault(group_of(stay), []).append(stay)
    return sorted(found.items(), key=lambda each: (not each[0], each[0]))


def since_in_words(stays: Sequence[Stay]) -> dict[int, str]:
    """Primary key of the check-in -> its moment. Many come within one minute, and each is written out but once."""
    minutes = {stay.came.pk: stay.came.at.replace(second=0, microsecond=0) for stay in stays if stay.came}
    said = {minute: written(timezone.localtime(minute), "j M, H:i") for minute in set(minutes.values())}
    return {pk: said[minute] for pk, minute in minutes.items()}


def group_of(stay: Stay) -> str:
    """The first of the person's groups by name; empty without one. Of a stay of people_in()."""
    return getattr(stay.came, "first_group", None) or ""
