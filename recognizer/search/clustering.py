"""Which embeddings are probably one person? Average linkage, exact: pure functions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recognizer.types import Vector

GONE = -2.0
"""Below every cosine: marks rows that were merged into others, or whose group is complete."""


def cluster_embeddings(embeddings: Vector, threshold: float) -> list[list[int]]:
    """Rows of (n, d) unit vectors, grouped so that each group's members resemble each other on average.

    Two groups become one while the mean cosine between their members reaches `threshold` (inclusive). It is the mean
    that counts, not the best pair: single pairs would chain strangers together, one lookalike after the other. The
    largest group comes first, then the one with the lowest row; rows are ascending. The memory is 4 n^2 bytes, so this
    is meant for some thousands of rows.

    The method is the nearest-neighbour chain (Murtagh 1983). Average linkage is reducible: merging mutual nearest
    neighbours in any order gives the same tree as always merging the best pair, and takes O(n^2) steps.
    """
    count = len(embeddings)
    if not count:
        return []
    similarity = np.asarray(embeddings, np.float32) @ np.asarray(embeddings, np.float32).T
    similarity = np.maximum(similarity, similarity.T)  # exactly symmetric: mutual neighbours must agree on their score
    np.fill_diagonal(similarity, GONE)
    members = [[row] for row in range(count)]
    open_rows = np.ones(count, np.bool_)
    chain: list[int] = []
    while chain or open_rows.any():
        if not chain:
            chain.append(int(open_rows.argmax()))
        row = chain[-1]
        nearest = _nearest(similarity[row], chain[-2] if len(chain) > 1 else None)
        if similarity[row, nearest] < threshold:
            # Merging other groups cannot bring any of them nearer (reducibility), so this group is complete.
            _take_out(similarity, row)
            open_rows[row] = False
            chain.pop()
        elif len(chain) > 1 and nearest == chain[-2]:
            _merge(similarity, members, row, nearest)
            open_rows[nearest] = False
            del chain[-2:]
        else:
            chain.append(nearest)
    return sorted((sorted(rows) for rows in members if rows), key=lambda rows: (-len(rows), rows[0]))


def _nearest(scores: NDArray[np.float32], before: int | None) -> int:
    """The most similar row. Of equals the row that the chain came from, or the chain could run in a circle for ever."""
    best = int(scores.argmax())
    return before if before is not None and scores[before] == scores[best] else best


def _merge(similarity: NDArray[np.float32], members: list[list[int]], kept: int, given: int) -> None:
    """The group of `given` becomes part of that of `kept`. The mean over all pairs weighs each by its members."""
    one, other = len(members[kept]), len(members[given])
    mean = (one * similarity[kept] + other * similarity[given]) / (one + other)
    mean[(similarity[kept] == GONE) | (similarity[given] == GONE)] = GONE
    similarity[kept], similarity[:, kept] = mean, mean
    _take_out(similarity, given)
    members[kept] += members[given]
    members[given] = []


def _take_out(similarity: NDArray[np.float32], row: int) -> None:
    similarity[row], similarity[:, row] = GONE, GONE
