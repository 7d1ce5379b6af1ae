"""Embeddings at half precision: a first look that reads half of their memory, with a bound that never fails.

A value rounded to IEEE 754's binary16 is off by 2^-11 of itself at most, or by 2^-25 where it is tiny. So the inner
product of a rounded unit vector with a unit probe is off by 2^-11 + sqrt(d) 2^-25 at most (Cauchy and Schwarz), and
FAISS's float32 sums add as much as any float32 product.
"""

from __future__ import annotations

import math

import faiss
import numpy as np

from recognizer.search.codes import Rows
from recognizer.types import Vector


class Halves:
    """The rows of a matrix at half precision."""

    def __init__(self, matrix: Vector) -> None:
        """matrix: (n, d) float32, rows of length 1 but for rounding."""
        dimension = matrix.shape[1]
        kind = faiss.ScalarQuantizer.QT_fp16
        self._index = faiss.IndexScalarQuantizer(dimension, kind, faiss.METRIC_INNER_PRODUCT)
        self._index.train(matrix[:1])  # there is nothing to learn, but FAISS wants to be asked
        self._index.add(matrix)
        self._error = 1.01 * (2.0**-11 + math.sqrt(dimension) * 2.0**-25)

    def search(self, probe: Vector, count: int) -> tuple[Rows, float]:
        """The rows (count,) that look best, and the most that any other row can score but for float32's own error.

        probe: (d,) float32, L2-normalised; count: at most the number of rows.
        """
        looks, rows = self._index.search(probe[np.newaxis], count)
        return rows[0], float(looks[0, -1]) + self._error

    @property
    def nbytes(self) -> int:
        return int(self._index.codes.size())
