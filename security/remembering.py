"""What was read from the database a moment ago, where a moment does no harm and reading it each time costs too much."""

from __future__ import annotations

import time
from typing import Any, ClassVar, Generic, TypeVar
from weakref import WeakSet

T = TypeVar("T")


class Remembered(Generic[T]):
    """One value of this process, for so many seconds. Threads may share it: each sees the old value or the new one."""

    _all: ClassVar[WeakSet[Remembered[Any]]] = WeakSet()

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._kept: tuple[float, T] | None = None
        self._all.add(self)

    @property
    def value(self) -> T | None:
        """None: nothing, or nothing that is fresh."""
        kept = self._kept
        if kept is not None and time.monotonic() - kept[0] < self.seconds:
            return kept[1]
        self._kept = None
        return None

    def keep(self, value: T) -> T:
        self._kept = time.monotonic(), value
        return value

    def forget(self) -> None:
        self._kept = None


def forget_everything() -> None:
    """As a new process would have it."""
    for remembered in list(Remembered._all):
        remembered.forget()
