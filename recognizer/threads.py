"""A pool of threads of which the one that worked last works next: its caches and its memory are still warm."""

from __future__ import annotations

import queue
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import Any


class WarmThreads(ThreadPoolExecutor):
    """The standard library's pool wakes the thread that rested longest. So each picture of a quiet server is looked at
    by another thread, whose every page and line of memory is cold: that costs a tenth of the whole recognition
    (docs/decisions.md)."""

    def __init__(self, most: int, name: str) -> None:
        """Raises ValueError for less than one."""
        super().__init__(max_workers=most, thread_name_prefix=name)
        self._work_queue: Any = LastWaiterFirst()

    @property
    def waiting(self) -> int:
        """Pieces of work that wait for a thread."""
        return int(self._work_queue.qsize())


class LastWaiterFirst:
    """What a pool uses of queue.SimpleQueue: work goes first in, first out; who began to wait last is served first."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._items: deque[Any] = deque()
        self._waiters: list[_Waiter] = []

    def put(self, item: Any) -> None:
        with self._guard:
            if self._waiters:
                self._waiters.pop().wake_with(item)
            else:
                self._items.append(item)

    def get_nowait(self) -> Any:
        """Raises queue.Empty."""
        return self.get(block=False)

    def get(self, block: bool = True) -> Any:
        """Raises queue.Empty, unless it may block."""
        with self._guard:
            if self._items:
                return self._items.popleft()
            if not block:
                raise queue.Empty
            waiter = _Waiter()
            self._waiters.append(waiter)
        return waiter.wait()

    def qsize(self) -> int:
        return len(self._items)


class _Waiter:
    def __init__(self) -> None:
        self._called = threading.Lock()
        self._called.acquire()
        self._item: Any = None

    def wake_with(self, item: Any) -> None:
        self._item = item
        self._called.release()

    def wait(self) -> Any:
        self._called.acquire()
        return self._item
