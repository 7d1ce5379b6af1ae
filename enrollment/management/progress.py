"""A line at the foot of a terminal: how far a command is, and how long it will still take."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Final, TextIO

WIDTH: Final = 24
EVERY_S: Final = 0.2
ERASE: Final = "\r\x1b[K"


class ProgressLine:
    """Shows nothing where nobody looks: in a pipe, a file or a log."""

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._clock = stream or sys.stderr, clock
        self._shows = self._stream.isatty()
        self._began = self._clock()
        self._next = 0.0
        self._is_drawn = False

    def show(self, done: int, total: int) -> None:
        now = self._clock()
        if self._shows and (now >= self._next or done == total):
            self._next = now + EVERY_S
            self._is_drawn = True
            self._stream.write(f"{ERASE}{describe(done, total, now - self._began)}")
            self._stream.flush()

    def clear(self) -> None:
        """Call it before anything else is written."""
        if self._is_drawn:
            self._is_drawn, self._next = False, 0.0
            self._stream.write(ERASE)
            self._stream.flush()


def describe(done: int, total: int, seconds: float) -> str:
    """How far it is, how fast, and how long the rest takes at this pace."""
    full = WIDTH * done // max(1, total)
    pace = done / seconds if seconds > 0 else 0.0
    left = f", {time_left((total - done) / pace)} left" if pace and done < total else ""
    return f"[{'#' * full}{'.' * (WIDTH - full)}] {done:,} of {total:,} pictures, {pace:.1f} a second{left}"


def time_left(seconds: float) -> str:
    if seconds < 100:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"
