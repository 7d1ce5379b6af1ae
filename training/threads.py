"""How many threads a step should use on a machine that others use as well.

A parallel region ends when its slowest thread ends: at low priority, one busy core stalls the whole step. So one thread
and several threads are both timed now and again, and the faster choice is kept.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch


class ThreadTuner:
    """Chooses one thread or `most` threads, whichever made recent steps faster."""

    def __init__(self, most: int, explore_every: int = 100) -> None:
        self.most, self.explore_every = most, explore_every
        self.chosen = 1
        self.steps = 0
        self.recent: dict[int, float] = {}
        self.key: object = None

    @contextmanager
    def timed(self, key: object) -> Iterator[None]:
        """Run one step inside this. Steps of another `key` (input size) cannot be compared, so timing starts afresh."""
        if key != self.key:
            self.key, self.recent = key, {}
        explore = self.steps % self.explore_every == 0
        other = self.most if self.chosen == 1 else 1
        count = other if explore else self.chosen
        self.steps += 1
        torch.set_num_threads(count)
        begun = time.monotonic()
        yield
        took = time.monotonic() - begun
        # An exploring step must count at once; the chosen count's time is smoothed.
        self.recent[count] = took if explore else 0.8 * self.recent.get(count, took) + 0.2 * took
        self.chosen = min(self.recent, key=lambda threads: self.recent[threads])
