"""What a download holds. Its rows are read in other threads: such a test needs `django_db(transaction=True)`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from asgiref.sync import async_to_sync


def downloaded(response: Any) -> str:
    """All of the text."""

    async def collect() -> str:
        return "".join([chunk.decode() async for chunk in response.streaming_content])

    return async_to_sync(collect)()


def without_mark(lines: Iterable[str]) -> list[str]:
    """The lines of a table without the byte order mark that begins it, which must be there."""
    first, *others = lines
    assert first.startswith("\ufeff")
    return [first.removeprefix("\ufeff"), *others]
