"""Does a score stand out against strangers? A comparison with a fixed cohort of them: pure functions and values.

A threshold holds for the average pair. Faces of some groups lie closer together: at a threshold for 1 in 10,000, two
babies out of three matched each other. Such a face resembles many strangers nearly as much, which is what is measured
here: adaptive symmetric score normalisation (AS-norm: Cumani et al. 2011, Matejka et al. 2017). A score is told in
standard deviations above the mean of what the probe scores, and of what the template scores, with the members of the
cohort that are nearest to each. The cohort's members are k-means centres of many embeddings: nobody's template.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from recognizer.types import Vector

NEAREST = 50
"""Members of the cohort that a face is held against: those most similar to it. With 20, 100, 200 and all of 300 more
different adults matched each other past the gate (pack mobile)."""
SMALLEST_DEVIATION = 1e-3
"""Cosines whose deviation is below this do not happen with real cohorts; a division by zero must not either."""


@dataclass(frozen=True, slots=True, eq=False)
class Cohort:
    """Strangers of one embedding space, and how far a match must stand out against them."""

    centres: Vector
    """(k, d) float32, each row of length 1."""
    gate: float
    """The normalised score that a match must reach (inclusive)."""

    def stands_out(self, score: float, probe: Vector, template: Vector) -> bool:
        """Whether the cosine of these two (d,) unit vectors is one that strangers like them rarely have."""
        return self.normalise(score, probe, template) >= self.gate

    def normalise(self, score: float, probe: Vector, template: Vector) -> float:
        """The cosine of these two (d,) unit vectors in standard deviations above their strangers' cosines."""
        above = []
        for vector in (probe, template):
            mean, deviation = self.strangers(vector)
            above.append((score - mean) / deviation)
        return sum(above) / 2

    def strangers(self, vector: Vector) -> tuple[float, float]:
        """Mean and standard deviation of the NEAREST cosines of a (d,) unit vector with the cohort.

        Asked at every match, between two networks that leave no cache warm: so few calls of numpy, each of which does
        much for what is asked here (`mean`, `std`), and no product that would start BLAS's threads.
        """
        scores = np.vecdot(self.centres, vector)
        nearest = np.partition(scores, -NEAREST)[-NEAREST:] if len(scores) > NEAREST else scores
        mean = float(np.add.reduce(nearest)) / len(nearest)
        nearest -= mean
        variance = float(np.vecdot(nearest, nearest)) / len(nearest)
        return mean, max(math.sqrt(variance), SMALLEST_DEVIATION)


def find_centres(embeddings: Vector, count: int, *, rounds: int = 25, seed: int = 7) -> Vector:
    """(count, d) float32 unit vectors: spherical k-means of (n, d) unit vectors, the same for the same input.

    A centre that loses all its members is put where the embedding lies that its own centre fits worst. Raises
    ValueError when there are fewer embeddings than centres.
    """
    if len(embeddings) < count:
        raise ValueError(f"{len(embeddings)} embeddings cannot have {count} centres.")
    random = np.random.default_rng(seed)
    centres = embeddings[random.permutation(len(embeddings))[:count]]
    for _ in range(rounds):
        scores = embeddings @ centres.T
        nearest = scores.argmax(axis=1)
        sums = np.zeros(centres.shape, np.float64)
        np.add.at(sums, nearest, embeddings)
        empty = np.flatnonzero(np.bincount(nearest, minlength=count) == 0)
        sums[empty] = embeddings[np.argsort(scores.max(axis=1), kind="stable")[: len(empty)]]
        centres = (sums / np.linalg.norm(sums, axis=1, keepdims=True)).astype(np.float32)
    return centres
