"""From where the present work was asked for: an operator's address, or a command's name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

PRODUCT = "product"
"""What the product does by itself, asked by nobody."""
COMMAND = "command"
"""A source that begins with it names the command: "command enroll_folder"."""

_source: ContextVar[str] = ContextVar("source", default=PRODUCT)


def current_source() -> str:
    """Where nobody said anything: the product."""
    return _source.get()


@contextmanager
def coming_from(source: str) -> Iterator[None]:
    """Audit rows written inside say that they come from `source`. Threads take it along with contextvars' context."""
    token = _source.set(source[:100])
    try:
        yield
    finally:
        _source.reset(token)
