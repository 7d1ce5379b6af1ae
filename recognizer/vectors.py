"""How embeddings are stored: little-endian float32, whatever the machine's own order."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from recognizer.types import Vector

STORED = np.dtype("<f4")

Stored = bytes | memoryview
"""What a binary column gives back."""


def vector_to_bytes(vector: Vector) -> bytes:
    """(d,) float32 to 4 d bytes."""
    return np.ascontiguousarray(vector, STORED).tobytes()


def vector_from_bytes(data: Stored) -> Vector:
    """4 d bytes to (d,) float32: a read-only view of `data`, not a copy. Raises ValueError for another length."""
    return np.frombuffer(data, STORED)


def matrix_from_bytes(rows: Iterable[Stored], dimension: int) -> Vector:
    """n stored vectors of that dimension to (n, dimension) float32. Raises ValueError when their lengths do not fit."""
    return np.frombuffer(b"".join(rows), STORED).reshape(-1, dimension)
