"""How much one key may ask, and how many pictures are worked on at once. Both refuse instead of letting wait.

A key's limit holds over all processes of the site; pictures are counted in each, whose engine they would crowd.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.conf import settings
from django.db import DatabaseError, InterfaceError

from api.problems import ApiReason, Problem
from enrollment.runtime.database import run_in_database_thread
from security.keys.checking import CheckedKey
from security.sharing import is_alone, take_one

BURST_S: Final = 10.0
"""A key may use this many seconds' share at once."""
AT_WORK_PER_THREAD: Final = 1.5
"""Pictures per inference thread: one is worked on, and one waits for whichever of two threads is free first. With more
of them everybody only waits longer."""
MOST_KEYS: Final = 10_000


class KeyLimits:
    """A bucket for each key: it fills evenly, and every request takes one out.

    A process that serves alone keeps them here; so does any while neither Redis nor database answers.
    """

    def __init__(self) -> None:
        self._buckets: dict[int, tuple[float, float]] = {}
        """Key -> requests left, and when that was (time.monotonic())."""

    async def take(self, key: CheckedKey) -> None:
        """Raises Problem (429) with Retry-After where nothing is left."""
        rate = key.requests_per_minute / 60
        most = max(1.0, rate * BURST_S)
        wait = self._take_here(key.pk, rate, most) if is_alone() else await self._take_shared(key.pk, rate, most)
        if wait:
            raise Problem(429, ApiReason.RATE_LIMITED, headers={"Retry-After": str(max(1, math.ceil(wait)))})

    async def _take_shared(self, pk: int, rate: float, most: float) -> float:
        try:
            return await run_in_database_thread(take_one, f"key:{pk}", rate=rate, most=most)
        except (DatabaseError, InterfaceError):
            return self._take_here(pk, rate, most)

    def _take_here(self, pk: int, rate: float, most: float) -> float:
        """Seconds to wait; 0: taken."""
        now = time.monotonic()
        left, at = self._buckets.get(pk, (most, now))
        left = min(most, left + rate * (now - at))
        if left < 1:
            self._buckets[pk] = left, now
            return (1 - left) / rate
        if len(self._buckets) >= MOST_KEYS:
            self._buckets.clear()
        self._buckets[pk] = left - 1, now
        return 0.0

    def reset(self) -> None:
        self._buckets.clear()


class PictureGate:
    """Counts pictures at work in this process. Only used on event loops, so it needs no lock."""

    def __init__(self) -> None:
        self._at_work = 0

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Raises Problem (429) when there are too many already."""
        if self._at_work >= math.ceil(AT_WORK_PER_THREAD * settings.FACESITE_THREADS):
            raise Problem(429, ApiReason.BUSY, headers={"Retry-After": "1"})
        self._at_work += 1
        try:
            yield
        finally:
            self._at_work -= 1


key_limits = KeyLimits()
picture_gate = PictureGate()
