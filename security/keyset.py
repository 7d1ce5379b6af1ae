"""Pages of a long list without counting it: each begins where another one ended, however far back that is.

A place is the moment and the primary key of a page's first or last row. It stands in the address in plain: whoever
changes it reads the same list from another row on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from django.db.models import Model, QuerySet

Entry = TypeVar("Entry", bound=Model)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PLACE = re.compile(r"(older|newer)-(\d{1,16})-(\d{1,18})", re.ASCII)
"""Direction, microseconds since EPOCH (to the year 2286), primary key."""


@dataclass(frozen=True, slots=True)
class KeysetPage(Generic[Entry]):
    object_list: list[Entry]
    newer: str = ""
    """Place of the page before; empty: this is the first."""
    older: str = ""
    """Place of the page after; empty: this is the last."""

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.object_list)


def newest_first(rows: QuerySet[Entry], *, moment: str, place: str, size: int) -> KeysetPage[Entry]:
    """One page of rows by their moment (a field with an index that is never empty) and primary key, newest first.

    place: of an earlier KeysetPage; anything else, and a place with nothing beyond it, gives the first page.
    """
    asked = PLACE.fullmatch(place)
    order = (f"-{moment}", "-pk")
    if asked:
        beyond = _beyond(rows, moment, older=asked[1] == "older", at=int(asked[2]), pk=int(asked[3]))
        if asked[1] == "older" and (found := list(beyond.order_by(*order)[: size + 1])):
            return _page(found[:size], moment, newer=True, older=len(found) > size)
        if asked[1] == "newer" and len(found := list(beyond.order_by(moment, "pk")[: size + 1])) > size:
            return _page(found[size - 1 :: -1], moment, newer=True, older=True)
    found = list(rows.order_by(*order)[: size + 1])
    return _page(found[:size], moment, newer=False, older=len(found) > size)


def _beyond(rows: QuerySet[Entry], moment: str, *, older: bool, at: int, pk: int) -> QuerySet[Entry]:
    """Not "before, or at that moment and ...": an OR would keep databases from going along the index."""
    when, at_or_beyond, passed = EPOCH + timedelta(microseconds=at), *(("lte", "gte") if older else ("gte", "lte"))
    return rows.filter(**{f"{moment}__{at_or_beyond}": when}).exclude(**{moment: when, f"pk__{passed}": pk})


def _page(rows: list[Entry], moment: str, *, newer: bool, older: bool) -> KeysetPage[Entry]:
    return KeysetPage(
        rows,
        newer=_place("newer", rows[0], moment) if newer else "",
        older=_place("older", rows[-1], moment) if older else "",
    )


def _place(direction: str, row: Model, moment: str) -> str:
    return f"{direction}-{(getattr(row, moment) - EPOCH) // timedelta(microseconds=1)}-{row.pk}"
