"""How much one key may ask, and how many pictures are worked on at once. Both refuse instead of letting wait."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.conf import settings

from api.problems import ApiReason, Problem
from security.keys.checking import CheckedKey

BURST_S: Final = 10.0
"""A key may use this many seconds' share at once."""
AT_WORK_PER_THREAD: Final = 2
"""Pictures per inference thread: one is worked on, one waits. With more of them everybody only waits longer."""
MOST_KEYS: Final = 10_000


class KeyLimits:
    """A bucket for each key, in this process: it fills evenly, and every request takes one out."""

    def __init__(self) -> None:
        self._buckets: dict[int, tuple[float, float]] = {}
        """Key -> requests left, and when that was (time.monotonic())."""

    def take(self, key: CheckedKey) -> None:
        """Raises Problem (429) with Retry-After where nothing is left."""
        rate = key.requests_per_minute / 60
        most = max(1.0, rate * BURST_S)
        now = time.monotonic()
        left, at = self._buckets.get(key.pk, (most, now))
        left = min(most, left + rate * (now - at))
        if left < 1:
            self._buckets[key.pk] = left, now
            wait = max(1, math.ceil((1 - left) / rate))
            raise Problem(429, ApiReason.RATE_LIMITED, headers={"Retry-After": str(wait)})
        if len(self._buckets) >= MOST_KEYS:
            self._buckets.clear()
        self._buckets[key.pk] = left - 1, now

    def reset(self) -> None:
        self._buckets.clear()


class PictureGate:
    """Counts pictures at work in this process. Only used on event loops, so it needs no lock."""

    def __init__(self) -> None:
        self._at_work = 0

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Raises Problem (429) when there are too many already."""
        if self._at_work >= AT_WORK_PER_THREAD * settings.FACESITE_THREADS:
            raise Problem(429, ApiReason.BUSY, headers={"Retry-After": "1"})
        self._at_work += 1
        try:
            yield
        finally:
            self._at_work -= 1


key_limits = KeyLimits()
picture_gate = PictureGate()
