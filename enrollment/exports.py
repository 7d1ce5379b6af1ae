"""People as CSV, line by line: an export never holds more than a chunk of rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from enrollment.models import Person
from security.actors import Actor
from security.allowing import require
from security.audit.actions import Action
from security.audit.recording import record
from security.rights import Right
from security.tables import csv_lines

COLUMNS = ("person", "name", "external_id", "active", "samples", "consent_given_at", "consent_version", "enrolled_at")
CHUNK = 1_000
"""Rows read from the database at a time."""


def stream_people(people: QuerySet[Person], *, actor: Actor | None, **filters: Any) -> Iterator[str]:
    """CSV lines, the header first. people: from selectors.search_people(), which counts the samples.

    The export is on record before its first line is read. filters: what narrowed `people` down, without names. Raises
    NotAllowed.
    """
    require(actor, Right.EXPORT)
    with transaction.atomic():
        record(Action.PEOPLE_EXPORTED, actor=actor, format="csv", rows=people.count(), filters=filters)
    return csv_lines(COLUMNS, (_row(person) for person in people.iterator(chunk_size=CHUNK)))


def _row(person: Person) -> tuple[object, ...]:
    return (
        person.uuid,
        person.name,
        person.external_id,
        "yes" if person.is_active else "no",
        getattr(person, "sample_count", None),
        person.consent_given_at.isoformat(timespec="seconds"),
        person.consent_version,
        person.created_at.isoformat(timespec="seconds"),
    )
