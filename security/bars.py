"""Stacked bars of days as SVG draws them: HEIGHT high, and ten units for each day. A table beside says the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

HEIGHT: Final = 100.0
DAY: Final = 10.0
"""Units from one day to the next; the bar begins one unit in."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One day, or a part of it. Positions and sizes in units of the drawing."""

    day: date
    value: float
    x: float
    y: float
    height: float
    kind: str = ""


def stacked(days: Iterable[tuple[date, Iterable[tuple[str, float]]]], most: float) -> Iterator[Bar]:
    """Every day's parts, the first one at the bottom; parts of nothing have no bar. most: what HEIGHT stands for."""
    for number, (day, parts) in enumerate(days):
        top = HEIGHT
        for kind, value in parts:
            if value:
                height = HEIGHT * value / most
                top -= height
                yield Bar(day, value, left_of(number), top, height, kind)


def left_of(number: int) -> float:
    """Where the bar of the day of this number (from 0) begins."""
    return DAY * number + 1
