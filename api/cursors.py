"""How long lists are read: page by page, from a moment on.

A cursor is the number of a page's last row, signed, so that nobody builds on what is in it.
"""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from django.core import signing
from django.db.models import Model, QuerySet

from api.problems import ApiReason, Problem

Entry = TypeVar("Entry", bound=Model)

SALT = "api.cursor"
EARLIEST, LATEST = 1970, 9000
"""Years that every database can compare with."""


def read_page(
    rows: QuerySet[Entry], *, name: str, cursor: str | None, limit: int, newest_first: bool = True
) -> tuple[list[Entry], str | None]:
    """At most `limit` rows in the order of their primary keys, and the cursor of the next page; None: it is the last.

    name: the list's; a cursor of another one is refused. Blocking. Raises Problem (422).
    """
    last = read_cursor(cursor, name)
    if last is not None:
        rows = rows.filter(**{"pk__lt" if newest_first else "pk__gt": last})
    found = list(rows.order_by("-pk" if newest_first else "pk")[: limit + 1])
    more = cursor_after(found[limit - 1].pk, name) if len(found) > limit else None
    return found[:limit], more


def cursor_after(pk: int, where: str) -> str:
    """where: the list's name; a cursor of another one is refused."""
    return signing.dumps(pk, salt=f"{SALT}.{where}")


def read_cursor(text: str | None, where: str) -> int | None:
    """The primary key to continue after; None: the beginning. Raises Problem (422)."""
    if not text:
        return None
    try:
        pk = signing.loads(text, salt=f"{SALT}.{where}")
    except signing.BadSignature:
        raise Problem(422, ApiReason.CURSOR_INVALID) from None
    return int(pk)


def comparable(at: datetime | None, name: str) -> datetime | None:
    """A moment that every database can compare with. Raises Problem (422), which calls the parameter by its name."""
    if at is not None and (at.tzinfo is None or not EARLIEST <= at.year <= LATEST):
        raise Problem(422, ApiReason.REQUEST_INVALID, f"`{name}` needs a time zone, such as 2026-01-31T08:00:00Z.")
    return at
