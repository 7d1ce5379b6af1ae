"""From where the present work was asked for: an operator's address, or a command's name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_source: ContextVar[str] = ContextVar("source", default="")


def current_source() -> str:
    """Empty where nobody said."""
    return _source.get()


@contextmanager
def coming_from(source: str) -> Iterator[None]:
    """Audit rows written inside say that they come from `source`. Threads take it along with contextvars' context."""
    token = _source.set(source[:100])
    try:
        yield
    finally:
        _source.reset(token)
