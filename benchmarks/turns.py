"""Several ways to search, timed in turns, so that other work on the machine slows all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from recognizer.types import Vector

LIMIT = 5
"""How many are looked for."""


def numpy_ways(matrix: Vector) -> dict[str, Callable[[Vector], Any]]:
    """Several ways to find the LIMIT best rows of matrix (n, d) for a probe (d,); np.vecdot exists since numpy 2."""

    def top(scores: Vector) -> Any:
        best = np.argpartition(scores, -LIMIT)[-LIMIT:]
        return best[np.argsort(-scores[best])]

    return {
        "matmul": lambda probe: top(matrix @ probe),
        "einsum": lambda probe: top(np.einsum("ij,j->i", matrix, probe)),
        "vecdot": lambda probe: top(np.vecdot(matrix, probe)),
    }


def time_in_turns(ways: Mapping[str, Callable[[Vector], Any]], questions: Vector) -> dict[str, list[float]]:
    """Milliseconds of every way for every question, after one round to warm up. questions: (n, d), one probe a row."""
    laps: dict[str, list[float]] = {name: [] for name in ways}
    for number, question in enumerate([questions[0], *questions]):
        for name, way in ways.items():
            started = time.perf_counter()
            way(question)
            if number:
                laps[name].append((time.perf_counter() - started) * 1000)
    return laps
