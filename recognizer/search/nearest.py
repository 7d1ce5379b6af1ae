"""The most similar pairs of people, gathered while a whole gallery is compared block by block."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recognizer.types import Vector


@dataclass(frozen=True, slots=True, eq=False)
class NearPairs:
    """n pairs of people, the most similar first. People are numbered as in the blocks."""

    scores: Vector
    """(n,) float32, descending: the best comparison score of the two people."""
    probes: NDArray[np.int64]
    """(n,) int64: the row of the probe that has this score."""
    probe_people: NDArray[np.int64]
    """(n,) int64: whose sample the probe is."""
    others: NDArray[np.int64]
    """(n,) int64: the person whom it resembles."""

    def __len__(self) -> int:
        return len(self.scores)

    def reaching(self, threshold: float) -> int:
        """How many pairs have at least this score."""
        return int(np.count_nonzero(self.scores >= threshold))


class NearestPairs:
    """Keeps the `most` nearest pairs of all blocks, exactly. Memory: a few times `most` entries, and one block."""

    def __init__(self, most: int) -> None:
        empty = np.empty(0, np.int64)
        self._most = most
        self._kept = NearPairs(np.empty(0, np.float32), empty, empty, empty)

    @property
    def found(self) -> NearPairs:
        return self._kept

    def add(self, best: Vector, probes: NDArray[np.int64], people: NDArray[np.int64]) -> None:
        """best: (b, p) float32, the score of each of b probes with each of p people, -inf where they do not count.

        probes, people: (b,) int64, the probes' rows and whose samples they are.
        """
        wanted = 4 * self._most
        full = len(self._kept) == self._most
        least = float(self._kept.scores[-1]) if full else -np.inf
        while True:
            # Many entries belong to one pair, so a first guess may hold too few pairs; then it is widened.
            floor = max(least, _largest(best, wanted, above=least))
            kept = self._joined(best, floor, probes, people)
            if len(kept) == self._most or floor == least:
                self._kept = kept
                return
            wanted *= 4

    def _joined(self, best: Vector, floor: float, probes: NDArray[np.int64], people: NDArray[np.int64]) -> NearPairs:
        rows, others = np.divmod(np.flatnonzero((best >= floor) & (best > -np.inf)), best.shape[1])
        before = self._kept
        scores = np.concatenate([before.scores, best[rows, others]])
        probe = np.concatenate([before.probes, probes[rows]])
        first = np.concatenate([before.probe_people, people[rows]])
        second = np.concatenate([before.others, others])
        order = np.argsort(-scores, kind="stable")
        pair = np.minimum(first, second) * best.shape[1] + np.maximum(first, second)
        _, once = np.unique(pair[order], return_index=True)
        at = order[np.sort(once)[: self._most]]
        return NearPairs(scores[at], probe[at], first[at], second[at])


def _largest(best: Vector, wanted: int, *, above: float) -> float:
    """The score that about `wanted` entries reach; -inf where `above` itself leaves no more than that."""
    if best.size <= wanted or (above > -np.inf and np.count_nonzero(best >= above) <= wanted):
        return -np.inf
    return float(np.partition(best, best.size - wanted, axis=None)[best.size - wanted])
