"""Do the samples of one person fit together, and which people of a gallery look alike? Pure functions on vectors.

Samples hang together when their comparison score reaches a threshold, directly or through other samples (a left and a
right profile may only meet through a front view). A sample outside the largest such group does not fit. Measured on 283
pictures of 60 people of LFW (../shared/faces/eval, pack `mobile`, uncertain threshold 0.334): 2 are outside. Of
3,540 strangers' pictures put among three or four of a person, 3,524 are found. With three samples enrolled, leaving out
those that do not fit lost no match among 1,168 other pictures of these people.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recognizer.types import Vector

ROWS, COLUMNS = 1_024, 4_096
"""Of a block of scores when a whole gallery is compared: 16 MiB of float32."""


@dataclass(frozen=True, slots=True)
class Fit:
    outliers: tuple[int, ...]
    """Rows that do not fit the others."""
    settled: bool
    """False: the samples disagree and no group has the majority, so nobody can say which samples are wrong."""
    best_scores: tuple[float, ...]
    """For each row its best comparison score with another row; -1 for a single sample."""


@dataclass(frozen=True, slots=True)
class Resemblance:
    """The most similar samples of two people."""

    comparison_score: float
    row: int
    other_row: int


def judge_fit(vectors: Vector, threshold: float, *, known: int = 0) -> Fit:
    """Which samples of one person do not fit the others? vectors: (n, d), L2-normalised; threshold: cosine, inclusive.

    The first `known` rows are enrolled already, so they are never outliers. Where two or more of them agree, they
    decide. A single known sample cannot outvote the new ones, and they cannot outvote it: then nothing is settled.
    """
    similarity = vectors @ vectors.T
    np.fill_diagonal(similarity, -1.0)
    best = tuple(similarity.max(axis=1).tolist()) if len(vectors) else ()
    groups = _groups(similarity >= threshold)
    if len(groups) <= 1:
        return Fit((), True, best)
    main = _majority(groups, known)
    if main is None:
        return Fit((), False, best)
    return Fit(tuple(row for row in range(known, len(vectors)) if row not in main), True, best)


@dataclass(frozen=True, slots=True, eq=False)
class Partway:
    """How far a comparison of everybody with everybody has come."""

    rows: int
    """The first so many rows have been compared with all rows after them."""
    hits: NDArray[np.float64]
    """(n, 3): a score, a row and another row of the best line of every two people so far."""
    share: float
    """Of all comparisons, 0..1."""


def find_resemblances(
    people: NDArray[np.int64],
    matrix: Vector,
    threshold: float,
    *,
    since: Partway | None = None,
    note: Callable[[Partway], None] = lambda _: None,
) -> list[Resemblance]:
    """The most similar samples of every two people whose best comparison score is >= threshold, best first.

    matrix: (n, d), L2-normalised; people: (n,) int64, the number of each row's person. Exact, in blocks of ROWS x
    COLUMNS scores: narrower ones would read the matrix from memory again and again. since: what `note` was told last
    of the same arrays, to go on from there; note: is told after each ROWS.
    """
    first, hits = (since.rows, since.hits) if since else (0, np.empty((0, 3)))
    for start in range(first, len(matrix), ROWS):
        found = [hits, *_hits(people, matrix, threshold, start)]
        hits = _best_of_people(np.concatenate(found), people)
        done = min(start + ROWS, len(matrix))
        note(Partway(done, hits, 1 - ((len(matrix) - done) / len(matrix)) ** 2))
    return [Resemblance(float(score), int(row), int(other)) for score, row, other in hits]


def _hits(people: NDArray[np.int64], matrix: Vector, threshold: float, start: int) -> Iterator[NDArray[np.float64]]:
    """Lines (n, 3) of pairs that reach the threshold, of ROWS rows with those from `start` on."""
    probes = matrix[start : start + ROWS]
    for column in range(start, len(matrix), COLUMNS):
        scores = probes @ matrix[column : column + COLUMNS].T
        rows, others = np.divmod(np.flatnonzero(scores >= threshold), scores.shape[1])  # nonzero() in 2-d is slower
        # Each pair once (above the diagonal), and never two samples of one person.
        one, other = start + rows, column + others
        counts = (other > one) & (people[one] != people[other])
        rows, others = rows[counts], others[counts]
        yield np.column_stack((scores[rows, others], start + rows, column + others))


def _best_of_people(hits: NDArray[np.float64], people: NDArray[np.int64]) -> NDArray[np.float64]:
    """hits: (n, 3), each line a score, a row and another row. Keeps the best line of every two people, best first."""
    rows, others = people[hits[:, 1].astype(np.int64)], people[hits[:, 2].astype(np.int64)]
    pairs = np.column_stack((np.minimum(rows, others), np.maximum(rows, others)))
    order = np.argsort(-hits[:, 0], kind="stable")
    _, first = np.unique(pairs[order], axis=0, return_index=True)
    kept: NDArray[np.float64] = hits[order[np.sort(first)]]
    return kept


def _groups(linked: NDArray[np.bool_]) -> list[set[int]]:
    """Groups of rows that are connected, directly or through other rows. linked: (n, n) bool."""
    remaining, groups = set(range(len(linked))), []
    while remaining:
        group: set[int] = set()
        reached = {min(remaining)}
        while reached:
            group |= reached
            reached = set(np.flatnonzero(linked[list(reached)].any(axis=0)).tolist()) - group
        groups.append(group)
        remaining -= group
    return groups


def _majority(groups: Collection[set[int]], known: int) -> set[int] | None:
    """The group that is larger than every other and has two samples or more; None when there is none.

    Where two or more rows are known, only known rows are counted.
    """
    counted = range(known) if known >= 2 else None
    sizes = sorted(((_size(group, counted), group) for group in groups), key=lambda entry: -entry[0])
    (largest, main), (next_largest, _) = sizes[:2]
    if largest < 2 or largest == next_largest or (known == 1 and 0 not in main):
        return None
    return main


def _size(group: set[int], counted: range | None) -> int:
    return len(group) if counted is None else sum(row in counted for row in group)
