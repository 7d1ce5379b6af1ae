"""People as CSV, line by line: an export never holds more than a chunk of rows."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator

from django.db.models import QuerySet

from enrollment.consent.records import basis_sentence
from enrollment.models import Person
from security.actors import Actor
from security.allowing import require
from security.rights import Right

COLUMNS = (
    "person",
    "name",
    "external_id",
    "active",
    "samples",
    "consent",
    "consent_given_at",
    "consent_version",
    "consent_until",
    "enrolled_at",
)
CHUNK = 1_000
"""Rows read from the database at a time."""
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet runs a cell that begins like this (OWASP, CSV injection)."""


def stream_people(people: QuerySet[Person], *, actor: Actor | None) -> Iterator[str]:
    """CSV lines, the header first. people: from selectors.search_people(), which counts the samples."""
    require(actor, Right.EXPORT)
    found = people.prefetch_related("consents__text")
    return csv_lines(COLUMNS, (_row(person) for person in found.iterator(chunk_size=CHUNK)))


def csv_lines(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """CSV lines (RFC 4180), the header first; cells of `rows` are safe to open in a spreadsheet."""
    writer = csv.writer(_Echo())
    yield writer.writerow(columns)
    for row in rows:
        yield writer.writerow([safe_cell(value) for value in row])


def safe_cell(value: object) -> object:
    """Numbers stay numbers; text that a spreadsheet would run gets an apostrophe in front."""
    if value is None or isinstance(value, int | float):
        return value
    text = str(value)
    return "'" + text if text.startswith(FORMULA_STARTS) else text


class _Echo:
    """csv.writer's file: hands every line straight back."""

    def write(self, line: str) -> str:
        return line


def _row(person: Person) -> tuple[object, ...]:
    consent = person.consent
    return (
        person.uuid,
        person.name,
        person.external_id,
        "yes" if person.is_active else "no",
        getattr(person, "sample_count", None),
        basis_sentence(consent),
        consent.given_at.isoformat(timespec="seconds") if consent and consent.given_at else None,
        consent.text.version if consent and consent.text else None,
        consent.valid_until if consent else None,
        person.created_at.isoformat(timespec="seconds"),
    )
