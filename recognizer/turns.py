"""Who computes now: as many threads at once as there are cores, in the order in which they came."""

from __future__ import annotations

import threading
from collections import deque
from types import TracebackType
from typing import Self


class Turns:
    """`with turns:` waits for one of `at_once` turns. Who waits longest comes next: a semaphore would let in whoever
    asks at the right moment, and a busy pool asks again and again."""

    def __init__(self, at_once: int) -> None:
        """Raises ValueError for less than one."""
        if at_once < 1:
            raise ValueError("Nobody would ever have a turn.")
        self.at_once = at_once
        self._free = at_once
        self._queue: deque[threading.Lock] = deque()
        self._guard = threading.Lock()

    @property
    def waiting(self) -> int:
        """Threads that wait."""
        return len(self._queue)

    def __enter__(self) -> Self:
        with self._guard:
            if self._free:
                self._free -= 1
                return self
            called = threading.Lock()
            called.acquire()
            self._queue.append(called)
        called.acquire()  # __exit__ of another thread hands its turn over
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._guard:
            if self._queue:
                self._queue.popleft().release()
            else:
                self._free += 1
