"""People as CSV, line by line: an export never holds more than a page of rows, and no cursor between two pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import translation

from enrollment.consent.records import basis_sentence
from enrollment.models import ConsentRecord, Person
from security.actors import Actor
from security.allowing import require
from security.audit.actions import Action
from security.audit.recording import record
from security.days import moment
from security.rights import Right
from security.tables import by_pages, csv_lines

COLUMNS = (
    "person",
    "name",
    "external_id",
    "active",
    "valid_from",
    "valid_until",
    "groups",
    "samples",
    "consent",
    "consent_given_at",
    "consent_version",
    "consent_until",
    "enrolled_at",
)


def stream_people(people: QuerySet[Person], *, actor: Actor | None, **filters: Any) -> Iterator[str]:
    """CSV lines, the header first, in the order of enrolment. people: from selectors.search_people().

    The export is on record before its first line is read. filters: what narrowed `people` down, without names. Raises
    NotAllowed.
    """
    require(actor, Right.EXPORT)
    with transaction.atomic():
        record(Action.PEOPLE_EXPORTED, actor=actor, format="csv", rows=people.count(), filters=filters)
    return csv_lines(COLUMNS, map(_row, by_pages(people.prefetch_related("consents__text", "groups"))))


def _basis(consent: ConsentRecord | None) -> str:
    """In English whoever asks: programs read it."""
    with translation.override(settings.LANGUAGE_CODE):
        return basis_sentence(consent)


def _row(person: Person) -> tuple[object, ...]:
    consent = person.consent
    return (
        person.uuid,
        person.name,
        person.external_id,
        "yes" if person.is_active else "no",
        person.valid_from,
        person.valid_until,
        "; ".join(group.name for group in person.groups.all()),
        getattr(person, "sample_count", None),
        _basis(consent),
        moment(consent.given_at) if consent else None,
        consent.text.version if consent and consent.text else None,
        consent.valid_until if consent else None,
        moment(person.created_at),
    )
