"""Vectors that imitate faces, for galleries of any size.

Each person has 4 templates, and mated scores are around 0.6. Scores of different people have the standard deviation
that EdgeFace-XS gave 30,007 face crops, 0.073 (independent directions would give 0.044).
"""

from __future__ import annotations

import numpy as np

from recognizer.types import Vector

DIMENSION = 512
PER_PERSON = 4
SPECTRUM_DECAY = 94.0
"""The variance along the n-th principal axis falls as exp(-n / this)."""
WITHIN = 0.8
"""Length of a picture's deviation from its person's mean; the mean has the length 1. Mated cosines are around 0.6."""


def make_faces(size: int, probes: int) -> tuple[Vector, Vector]:
    """(size, d) templates, PER_PERSON rows of each person in turn, and (probes, d): half enrolled, half strangers."""
    random = np.random.default_rng(size)
    decay = np.exp(-np.arange(DIMENSION) / (2 * SPECTRUM_DECAY))
    scale = (decay / np.linalg.norm(decay)).astype(np.float32)
    turn = np.linalg.qr(random.standard_normal((DIMENSION, DIMENSION)))[0].astype(np.float32)

    def draw(count: int) -> Vector:
        vectors: Vector = (random.standard_normal((count, DIMENSION), dtype=np.float32) * scale) @ turn
        return vectors

    def normalise(vectors: Vector) -> Vector:
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors

    means = draw(-(-size // PER_PERSON))
    matrix = np.empty((size, DIMENSION), dtype=np.float32)
    for start in range(0, size, 40_000):
        rows = np.arange(start, min(start + 40_000, size))
        matrix[rows] = normalise(means[rows // PER_PERSON] + WITHIN * draw(len(rows)))
    known = means[random.integers(0, len(means), probes // 2)]
    strangers = draw(probes - probes // 2)
    return matrix, normalise(np.concatenate([known, strangers]) + WITHIN * draw(probes))
