"""What waits between a socket and the engine: messages in order, the newest frame only, and the socket for its turn."""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

HEADER = struct.Struct(">Id")
"""A frame's first 12 bytes: sequence number (uint32) and capture time in ms since the epoch (float64), big-endian."""


@dataclass(frozen=True, slots=True)
class QueuedFrame:
    """A frame as it arrived."""

    seq: int
    """The client's sequence number."""
    captured_at_ms: float
    """Milliseconds since the epoch by the client's clock; never trusted, only shown."""
    payload: bytes
    """The picture as JPEG, PNG, WebP or BMP, not decoded yet."""
    arrived: float
    """time.perf_counter() at arrival."""


class Inbox:
    """One socket's mailbox. Of frames that wait with no message between them only the newest stays."""

    def __init__(self, size: int) -> None:
        """size: most items that may wait. Frames alone never fill it, as a newer one takes the older one's place."""
        self._items: deque[dict[str, Any] | QueuedFrame] = deque()
        self._filled = asyncio.Event()
        self._size = size
        self.dropped = 0
        """Number of frames that a newer frame has replaced so far."""

    def put(self, item: dict[str, Any] | QueuedFrame) -> bool:
        """Add a message or a frame. False: the inbox is full, and the item was not added."""
        if self._items and isinstance(item, QueuedFrame) and isinstance(self._items[-1], QueuedFrame):
            self._items.pop()
            self.dropped += 1
        if len(self._items) >= self._size:
            return False
        self._items.append(item)
        self._filled.set()
        return True

    async def wait(self) -> None:
        """Return as soon as there is an item."""
        await self._filled.wait()

    @property
    def frame_is_next(self) -> bool:
        """Whether take() would give a frame. Raises IndexError when the inbox is empty."""
        return isinstance(self._items[0], QueuedFrame)

    def take(self) -> dict[str, Any] | QueuedFrame:
        """Remove the oldest item. Raises IndexError when the inbox is empty."""
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
"""A semaphore counts the places at the engine. Each event loop has one, since a semaphore works in one loop only."""


class InferenceTurn:
    """One socket's turn at the engine. The process has a few places, which its sockets get in the order of asking.

    A frame leaves its inbox only when there is a place for it: the socket waits, not a frame that grows old.
    """

    def __init__(self, places: int) -> None:
        """places: how many frames may be at the engine at once, in this process."""
        self._places = places
        self._held: asyncio.Semaphore | None = None

    async def take(self) -> None:
        """Wait for a place and hold it until end()."""
        turns = _turns.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(self._places))
        await turns.acquire()
        self._held = turns

    def end(self) -> None:
        """Give the place back. Without a place, or called again, it does nothing."""
        if self._held is not None:
            self._held.release()
            self._held = None
