"""Where the time of one piece of work goes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Milliseconds by stage. Time spent on a stage more than once adds up."""

    def __init__(self, started: float | None = None) -> None:
        """started: time.perf_counter() when the work began; None: now."""
        self._started = self._last = time.perf_counter() if started is None else started
        self._spent: dict[str, float] = {}

    def lap(self, stage: str) -> float:
        """All time since the last lap, or the start, was this stage's. Returns time.perf_counter()."""
        begun, self._last = self._last, time.perf_counter()
        self._add(stage, self._last - begun)
        return self._last

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Only the time inside the `with` is this stage's."""
        begun = time.perf_counter()
        yield
        self._add(stage, time.perf_counter() - begun)

    def timings(self) -> dict[str, float]:
        """Stage to milliseconds, and `total`: from the start until now."""
        return self._spent | {"total": (time.perf_counter() - self._started) * 1000}

    def _add(self, stage: str, seconds: float) -> None:
        self._spent[stage] = self._spent.get(stage, 0.0) + seconds * 1000
