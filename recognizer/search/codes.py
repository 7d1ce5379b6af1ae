"""Embeddings at two bits per value: a first look at many templates that reads a sixteenth of their memory.

All vectors are turned by one random rotation R. After that their values are spread as a normal distribution, whatever
the embedder does. Each value is rounded to the best four levels of that distribution (Max 1960, "Quantizing for minimum
distortion", table I). FAISS's FastScan kernels then compare a probe with all codes, from tables in the processor's
registers. The result for one row is a "look": an inner product with the row's code.

The error has a bound with a known chance to fail (the argument of RaBitQ, Gao and Long, SIGMOD 2024). Let y be the
unit vector of a template turned by R, and c its code. Write c = a y + e with e at right angles to y, and s =
cos(template, probe). Then

    <R probe, c> = s a + sqrt(1 - s^2) <u, e>,

where u is the turned probe's direction across y. It is uniform on a sphere of d - 1 dimensions: R is random, and where
it puts the template says nothing about the turn around it. On such a sphere <u, e> exceeds t |e| / sqrt(d - 1) with a
chance below exp(-t^2 / 2) (Ball 1997, "An elementary introduction to modern convex geometry", lemma 2.2). Apart from
that chance,

    s <= (<R probe, c> + t |e| / sqrt(d - 1)) / a,

and a and |e| are known for every row.
"""

from __future__ import annotations

import functools
import math

import faiss
import numpy as np
from numpy.typing import NDArray

from recognizer.types import Vector

Rows = NDArray[np.int64]

CERTAINTY = 5.0
"""The t of the text above. exp(-t^2 / 2) is one in 268,000. FAISS's rounding (`Codes._rounding`) has the same chance to
be larger than expected, so at most one template in 134,000 is overlooked. The exact share of the sphere, at d = 512, is
one in 4.6 million."""
INNER, OUTER = 0.4528, 1.510
"""A standard normal value is rounded to one of +-INNER and +-OUTER: the four levels of least mean square error."""
SEED = 20_240_609
"""Any number; fixed, so that equal galleries answer equally."""
PART = 16_384
"""Rows that are turned and rounded at a time. Doing all at once would double the memory."""


class Codes:
    """Two-bit codes of the rows of a matrix."""

    def __init__(self, matrix: Vector) -> None:
        """matrix: (n, d) float32, rows of length 1 but for rounding; no row may be zero."""
        self._turn = np.ascontiguousarray(random_rotation(matrix.shape[1]).T)
        width = len(self._turn)
        self._levels = np.array([-OUTER, -INNER, INNER, OUTER], dtype=np.float32) / np.float32(np.sqrt(width))
        self._index = faiss.IndexPQFastScan(width, width // 2, 4, faiss.METRIC_INNER_PRODUCT)
        pairs = np.stack(np.meshgrid(self._levels, self._levels), axis=-1)
        faiss.copy_array_to_vector(np.tile(pairs.ravel(), width // 2), self._index.pq.centroids)
        self._index.is_trained = True
        parts = [self._add(matrix[start : start + PART]) for start in range(0, len(matrix), PART)]
        self._along, self._across = (np.concatenate(column) for column in zip(*parts, strict=True))
        self._along_range = float(self._along.min()), float(self._along.max())
        self._widest = float((self._across / self._along).max())

    def _add(self, part: Vector) -> tuple[Vector, Vector]:
        """Code these rows (n, d). Returns their a and |e| of this module's description, (n,) each."""
        turned = part @ self._turn.T
        self._index.add(turned)
        inner, outer = self._levels[2:]
        codes = np.copysign(np.where(np.abs(turned) < (inner + outer) / 2, inner, outer), turned)
        along = np.einsum("ij,ij->i", codes, turned) / np.einsum("ij,ij->i", turned, turned)
        return along, np.linalg.norm(codes - along[:, np.newaxis] * turned, axis=1)

    def search(self, probe: Vector, count: int) -> tuple[Rows, Vector, float]:
        """The rows that look best, their ceilings, and a bound on the scores of all other rows.

        rows: (count,) int64, best look first; ceilings: (count,), the most that each of them can score. probe: (d,)
        float32, L2-normalised; count: at most the number of rows.
        """
        faiss.omp_set_num_threads(1)  # OpenMP counts per calling thread; the engine's pool has a thread per core
        turned = self._turn.dot(probe)
        looks, rows = self._index.search(turned[np.newaxis], count)
        listed = rows[0]
        slope = CERTAINTY * math.sqrt(float(turned.dot(turned))) / math.sqrt(len(turned) - 1)
        rounding = self._rounding(turned)
        along, across = self._along[listed], self._across[listed]
        ceilings = (looks[0] + rounding + slope * across) / along
        worst_look = float(looks[0, -1]) + rounding
        return listed, ceilings, max(worst_look / end for end in self._along_range) + slope * self._widest

    def _rounding(self, turned: Vector) -> float:
        """How far FAISS's rounding can move a look, with the same chance to fail as CERTAINTY.

        FAISS has one table per pair of values and rounds every entry to a step. The step is 1/255 of the widest table's
        span, or larger, so that all spans together fit 16 bits. By Hoeffding's inequality m independent roundings of up
        to half a step sum to more than t sqrt(m) step / 2 with a chance below exp(-t^2 / 2). The 1e-4 covers float32
        rounding many times over.
        """
        sizes = np.abs(turned)
        pairs = len(sizes) // 2
        widest = 2 * float(self._levels[-1] * (sizes[::2] + sizes[1::2]).max())
        return CERTAINTY * math.sqrt(pairs) / 2 * widest * max(1 / 255, pairs / 65_535) + 1e-4

    @property
    def nbytes(self) -> int:
        """Memory of the codes, and of a and |e| of every row, in bytes."""
        return int(self._index.codes.size()) + self._along.nbytes + self._across.nbytes


@functools.cache
def random_rotation(dimension: int) -> Vector:
    """(d, d) or, for an odd dimension d, (d, d + 1) float32 with orthonormal rows, drawn evenly from all rotations.

    The number of columns is even, because codes hold pairs of values. Source: Mezzadri 2007, "How to generate random
    matrices from the classical compact groups": QR of a normal matrix, with the signs of R's diagonal.
    """
    width = dimension + dimension % 2
    q, r = np.linalg.qr(np.random.default_rng(SEED).standard_normal((width, width)))
    rotation: Vector = (q * np.sign(np.diagonal(r)))[:dimension].astype(np.float32)
    rotation.setflags(write=False)
    return rotation
