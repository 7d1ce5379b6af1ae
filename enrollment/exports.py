"""People as CSV, line by line: an export never holds more than a page of rows, and no cursor between two pages."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from typing import TypeVar

from django.db.models import Model, QuerySet

from enrollment.models import Person
from security.actors import Actor
from security.allowing import require
from security.rights import Right

Row = TypeVar("Row", bound=Model)

COLUMNS = ("person", "name", "external_id", "active", "samples", "consent_given_at", "consent_version", "enrolled_at")
PAGE = 1_000
"""Rows read from the database at a time."""
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet runs a cell that begins like this (OWASP, CSV injection)."""


def stream_people(people: QuerySet[Person], *, actor: Actor | None) -> Iterator[str]:
    """CSV lines, the header first, in the order of enrolment. people: from selectors.search_people()."""
    require(actor, Right.EXPORT)
    return csv_lines(COLUMNS, map(_row, by_pages(people)))


def by_pages(rows: QuerySet[Row], *, newest_first: bool = False) -> Iterator[Row]:
    """All rows in the order of their primary keys, a query for each page of them; may go on in another thread.

    A cursor would stay open for as long as somebody downloads: SQLite's log could not be emptied all the while, and
    MySQL's driver would fetch all rows at once.
    """
    rows = rows.order_by("-pk" if newest_first else "pk")
    page = list(rows[:PAGE])
    while page:
        yield from page
        beyond = {"pk__lt" if newest_first else "pk__gt": page[-1].pk}
        page = list(rows.filter(**beyond)[:PAGE]) if len(page) == PAGE else []


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
