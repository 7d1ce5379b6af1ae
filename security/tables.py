"""Any table as CSV, line by line, safe to open in a spreadsheet, and read from the database page by page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from operator import itemgetter
from typing import Any, Final, TypeVar

from django.db.models import Count, Min, Model, QuerySet
from django.db.models.expressions import Combinable

Entry = TypeVar("Entry", bound=Model)
Item = TypeVar("Item")
Values = tuple[Any, ...]
Way = Callable[[Any], str]
"""From a cell's value to its text in a file, quoted where it must be."""

PAGE = 1_000
"""Rows read from the database at a time."""
LARGE_PAGE = 2_000
"""Of tuples, each much smaller than an instance: every page costs a connection and a statement of its own."""
WRITTEN_AT_ONCE = 1_000

FORMULA_STARTS = frozenset("=+-@\t\r")
"""A spreadsheet runs a cell that begins like this (OWASP, CSV injection)."""
_NUMBERS: Final = (int, float)
_NEEDS_QUOTES: Final = re.compile(r'[",\r\n]').search
_BEHIND_THE_KEY: Final = itemgetter(slice(1, None))


def csv_lines(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, ways: Mapping[str, Way] | None = None
) -> Iterator[str]:
    """CSV lines (RFC 4180), the header first; cells of `rows` are safe to open in a spreadsheet.

    ways: of columns that are not written by cell_text(). The first line begins with a byte order mark: without it Excel
    reads "Zoë" as something else.
    """
    yield f"\ufeff{','.join(columns)}\r\n"
    ways = dict.fromkeys(columns, cell_text) | dict(ways or {})
    remaining = iter(rows)
    while some := list(islice(remaining, WRITTEN_AT_ONCE)):
        # Column by column: half as dear as row by row, and csv.writer looks at every character twice.
        cells = [map(ways[column], values) for column, values in zip(columns, zip(*some, strict=True), strict=True)]
        for line in map(",".join, zip(*cells, strict=True)):
            yield line + "\r\n"


def cell_text(value: object) -> str:
    """A cell of a line: safe to open in a spreadsheet, in quotes where its commas or lines need them; None is empty."""
    if value is None:
        return ""
    if isinstance(value, _NUMBERS):
        return str(value)
    text = _disarmed(str(value))
    return '"' + text.replace('"', '""') + '"' if _NEEDS_QUOTES(text) else text


repeated_text: Way = lru_cache(maxsize=1024, typed=True)(cell_text)
"""The same for a column whose few values come again and again."""


def safe_cell(value: object) -> object:
    """Numbers stay numbers; text that a spreadsheet would run gets an apostrophe in front."""
    return value if value is None or isinstance(value, _NUMBERS) else _disarmed(str(value))


def _disarmed(text: str) -> str:
    return "'" + text if text[:1] in FORMULA_STARTS else text


def by_pages(rows: QuerySet[Entry], *, key: str = "pk", newest_first: bool = False) -> Iterator[Entry]:
    """All rows in the order of a unique column, a query for each page of them; may go on in another thread.

    A cursor would stay open for as long as somebody downloads: SQLite's log could not be emptied all the while, and
    MySQL's driver would fetch all rows at once.
    """
    rows = rows.order_by(f"-{key}" if newest_first else key)
    page = list(rows[:PAGE])
    while page:
        yield from page
        beyond = {f"{key}__lt" if newest_first else f"{key}__gt": getattr(page[-1], key)}
        page = list(rows.filter(**beyond)[:PAGE]) if len(page) == PAGE else []


def tuples_by_pages(
    rows: QuerySet[Any], columns: Sequence[str | Combinable], *, key: str = "pk", newest_first: bool = False
) -> Iterator[Values]:
    """The same without an instance for each row: values of these columns (joins and expressions too).

    Several times as fast, for a table of a million rows.
    """
    rows = rows.order_by(f"-{key}" if newest_first else key)
    page = list(rows.values_list(key, *columns)[:LARGE_PAGE])
    while page:
        yield from map(_BEHIND_THE_KEY, page)
        beyond = {f"{key}__lt" if newest_first else f"{key}__gt": page[-1][0]}
        page = list(rows.filter(**beyond).values_list(key, *columns)[:LARGE_PAGE]) if len(page) == LARGE_PAGE else []


def counted(rows: QuerySet[Entry], *, key: str = "pk") -> tuple[int, QuerySet[Entry]]:
    """How many rows there are, and the same rows with an end: none before the first that there is now.

    Read newest first, a page that finds no more would look at every older row of the table before it says so.
    """
    found = rows.order_by().aggregate(rows=Count(key), first=Min(key))
    return found["rows"], rows.filter(**{f"{key}__gte": found["first"]}) if found["rows"] else rows.none()


def in_chunks(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """In order, `size` at a time: what a statement names, or what is in memory at once, has a limit."""
    return (items[start : start + size] for start in range(0, len(items), size))
