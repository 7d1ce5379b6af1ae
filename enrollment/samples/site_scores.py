"""Comparison scores of the site's own gallery: every kept sample is searched as if it had just come from the camera.

The sample itself is left out (leave-one-out), so a score is what a search would have given that day: the best template
of the same person among the others (mated), and the best template of each other person (non_mated).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from enrollment.models import FaceTemplate
from enrollment.runtime.gallery import CHUNK
from enrollment.sealed import read_embeddings
from recognizer.calibration import ScoreDistribution
from recognizer.types import Vector
from recognizer.vectors import vector_from_bytes

MOST_PROBES = 5_000
"""Samples used as probes at most, spread evenly over the gallery: more only repeat what these say."""
BLOCK = 256
"""Probes compared at a time: bounds the memory of one block of scores."""
MOST_NON_MATED = 2_000_000
"""Non-mated scores kept at most, every n-th of all of them."""


@dataclass(frozen=True, slots=True)
class SiteScores:
    people: int
    """Active people with at least one searched sample."""
    samples: int
    distribution: ScoreDistribution


def site_scores(contract_id: str) -> SiteScores:
    """Scores within one embedding space. Reads the gallery's templates; blocking, up to seconds for large galleries."""
    owners, matrix = _load_templates(contract_id)
    if not len(matrix):
        return SiteScores(0, 0, ScoreDistribution([], []))
    starts = np.flatnonzero(np.r_[True, owners[1:] != owners[:-1]])
    mated, non_mated = leave_one_out(matrix, starts)
    return SiteScores(len(starts), len(matrix), ScoreDistribution(mated, non_mated))


def leave_one_out(matrix: Vector, starts: NDArray[np.int64]) -> tuple[Vector, Vector]:
    """Mated and non-mated scores of (n, d) unit vectors; each person's rows stand together, from `starts` on."""
    person_of = np.repeat(np.arange(len(starts)), np.diff(np.r_[starts, len(matrix)]))
    probes = np.unique(np.linspace(0, len(matrix) - 1, min(len(matrix), MOST_PROBES)).astype(np.int64))
    step = -(-len(probes) * (len(starts) - 1) // MOST_NON_MATED) or 1
    mated: list[Vector] = []
    non_mated: list[Vector] = []
    for first in range(0, len(probes), BLOCK):
        rows = probes[first : first + BLOCK]
        scores = matrix[rows] @ matrix.T
        scores[np.arange(len(rows)), rows] = -np.inf
        best = np.maximum.reduceat(scores, starts, axis=1)
        own = np.zeros(best.shape, bool)
        own[np.arange(len(rows)), person_of[rows]] = True
        mated.append(best[own][np.isfinite(best[own])])  # a person with one sample has nothing to compare it with
        non_mated.append(best[~own][::step])
    return np.concatenate(mated), np.concatenate(non_mated)


def _load_templates(contract_id: str) -> tuple[NDArray[np.int64], Vector]:
    """Owners (n,) ascending and embeddings (n, d) of what searches use."""
    templates = FaceTemplate.objects.filter(
        contract_id=contract_id, sample__set_aside=False, sample__person__is_active=True
    )
    rows = templates.order_by("sample__person_id", "pk").values_list("sample__person_id", "sample_id", "embedding")
    owners: list[int] = []
    vectors: list[Vector] = []
    remaining = rows.iterator(chunk_size=CHUNK)
    while some := list(islice(remaining, CHUNK)):
        plain = read_embeddings([(sample, embedding) for _, sample, embedding in some], contract_id)
        readable = [(row[0], data) for row, data in zip(some, plain, strict=True) if data is not None]
        owners.extend(owner for owner, _ in readable)
        vectors.extend(vector_from_bytes(data) for _, data in readable)
    return np.array(owners, np.int64), np.stack(vectors) if vectors else np.empty((0, 0), np.float32)
