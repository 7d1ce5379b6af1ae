"""What waits between a socket and the engine: the newest frame only, messages in order, and whose turn it is."""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

HEADER = struct.Struct(">Id")
"""Sequence number (uint32), capture time in ms since the epoch (float64), both big-endian."""


@dataclass(frozen=True, slots=True)
class QueuedFrame:
    seq: int
    captured_at_ms: float
    """Milliseconds since the epoch by the client's clock; never trusted, only shown."""
    payload: bytes
    """JPEG or WebP bytes, not decoded yet."""
    arrived: float
    """time.perf_counter()"""


class Inbox:
    """One socket's mailbox. Of frames with no message between them only the newest stays."""

    def __init__(self, size: int) -> None:
        """size: most items; only messages can fill it."""
        self._items: deque[dict[str, Any] | QueuedFrame] = deque()
        self._filled = asyncio.Event()
        self._size = size
        self.dropped = 0
        """Frames that a newer one has replaced."""

    def put(self, item: dict[str, Any] | QueuedFrame) -> bool:
        """False: it is full, and the item was not taken."""
        if self._items and isinstance(item, QueuedFrame) and isinstance(self._items[-1], QueuedFrame):
            self._items.pop()
            self.dropped += 1
        if len(self._items) >= self._size:
            return False
        self._items.append(item)
        self._filled.set()
        return True

    async def wait(self) -> None:
        await self._filled.wait()

    @property
    def frame_is_next(self) -> bool:
        return isinstance(self._items[0], QueuedFrame)

    def take(self) -> dict[str, Any] | QueuedFrame:
        item = self._items.popleft()
        if not self._items:
            self._filled.clear()
        return item


class FrameBudget:
    """A token bucket: `rate` messages per second in the long run, `burst` at once."""

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate, self._burst = rate, burst
        self._tokens, self._filled_at = burst, now

    def take(self, now: float) -> bool:
        """Pay for one message at time `now` (seconds, any monotonic clock). False: the budget is used up."""
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


class InferenceTurn:
    """One socket's place at the engine, shared fairly among all sockets of the process.

    A frame leaves its inbox only when there is a place for it: what waits is the socket, not a frame that gets old.
    """

    def __init__(self, places: int) -> None:
        """places: how many frames may be at the engine at once, in this process."""
        self._places = places
        self._held: asyncio.Semaphore | None = None

    async def take(self) -> None:
        turns = _turns.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(self._places))
        await turns.acquire()
        self._held = turns

    def end(self) -> None:
        """May be called twice, and by who never had it."""
        if self._held is not None:
            self._held.release()
            self._held = None
