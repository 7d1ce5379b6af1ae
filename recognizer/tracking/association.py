"""Which face of this frame is which face of the last one? Pure functions on boxes, crops and similarities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import cv2
import numpy as np

from recognizer.types import Image, Vector

CLEAR_OVERLAP = 0.3
"""Intersection over union from which a box may simply be the same face a moment later."""
RIVAL_OVERLAP = 0.1
"""A second box overlapping this much makes the assignment doubtful."""
SAME_APPEARANCE = 0.85
"""Correlation of two aligned crops below which a look at the embedding is worth its time.

Measured on ../shared/faces/webcam: consecutive frames of calm faces 0.91-1.00, crops of two different people (LFW) at
most 0.82. Fast turns fall below too; then the embedding decides.
"""
PATCH_SIDE = 28
"""Pixels: a quarter of an aligned crop, coarse enough for noise and compression not to count."""


def overlap_matrix(one: Sequence[Vector], other: Sequence[Vector]) -> Vector:
    """Intersection over union of n boxes with m others: (n, m) float32. Each box is (4,): left, top, right, bottom."""
    a = np.asarray(one, dtype=np.float32).reshape(-1, 1, 4)
    b = np.asarray(other, dtype=np.float32).reshape(1, -1, 4)
    shared = np.clip(np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]), 0, None).prod(axis=2)
    areas = (a[..., 2:] - a[..., :2]).prod(axis=2) + (b[..., 2:] - b[..., :2]).prod(axis=2)
    return cast(Vector, shared / np.maximum(areas - shared, 1e-6))


def undisputed_pairs(overlap: Vector) -> list[tuple[int, int]]:
    """(row, column) of the clear overlaps in an (n, m) matrix that have no rival in their row or column."""
    near = overlap >= RIVAL_OVERLAP
    alone = (near.sum(axis=1, keepdims=True) == 1) & (near.sum(axis=0, keepdims=True) == 1)
    return [(int(row), int(column)) for row, column in np.argwhere(alone & (overlap >= CLEAR_OVERLAP))]


def best_pairs(similarity: Vector, least: float) -> list[tuple[int, int]]:
    """(row, column) of an (n, m) matrix, the most similar first. Each row and column once, none below `least`."""
    pairs: list[tuple[int, int]] = []
    left = similarity.astype(np.float64)
    while left.size:
        row, column = np.unravel_index(int(np.argmax(left)), left.shape)
        if left[row, column] < least:
            break
        pairs.append((int(row), int(column)))
        left[row, :] = -np.inf
        left[:, column] = -np.inf
    return pairs


def appearance_of(aligned: Image) -> Vector:
    """A (112, 112, 3) crop, made small, as a (2352,) vector of mean 0 and length 1: inner products are correlations."""
    small = cv2.resize(aligned, (PATCH_SIDE, PATCH_SIDE), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
    small -= small.mean()
    return cast(Vector, small / max(float(np.linalg.norm(small)), 1e-6))
