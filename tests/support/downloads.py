"""What a download holds. Its rows are read in other threads: such a test needs `django_db(transaction=True)`."""

from __future__ import annotations

from typing import Any

from asgiref.sync import async_to_sync


def downloaded(response: Any) -> str:
    """All of the text."""

    async def collect() -> str:
        return "".join([chunk.decode() async for chunk in response.streaming_content])

    return async_to_sync(collect)()
