"""Where a list goes on: the last row's number, signed, so that nobody builds on what is in it."""

from __future__ import annotations

from django.core import signing

from api.problems import ApiReason, Problem

SALT = "api.cursor"


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
