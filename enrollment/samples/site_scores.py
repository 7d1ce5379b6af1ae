"""Comparison scores of the site's own gallery: every kept sample is searched as if it had just come from the camera.

The sample itself is left out (leave-one-out), so a score is what a search would have given that day: the best template
of the same person among the others (mated), and the best template of each other person (non_mated).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
from django.db.models import QuerySet
from django.utils import timezone
from numpy.typing import NDArray

from enrollment.models import FaceSample, FaceTemplate, searched_on
from enrollment.runtime.gallery import CHUNK
from enrollment.sealed import read_embeddings
from recognizer.calibration import ScoreDistribution
from recognizer.search.nearest import NearestPairs
from recognizer.types import Vector
from recognizer.vectors import vector_from_bytes

Progress = Callable[[float], None]

MOST_PEOPLE = 5_000
"""People who are compared at most, spread evenly over all: the intervals of the rates say what that leaves open."""
MOST_PROBES = 5_000
"""Samples used as probes at most, spread evenly over the gallery: more only repeat what these say."""
MOST_PAIRS = 5_000
"""Nearest pairs of people that are counted; more than that are "at least" so many."""
MOST_NAMED = 50
"""Nearest pairs of people whose samples are named, to be shown."""
PEOPLE_AT_ONCE = 500
"""Whose templates are read by one query."""
BLOCK = 256
"""Probes compared at a time: bounds the memory of one block of scores."""
MOST_NON_MATED = 2_000_000
"""Non-mated scores kept at most, every n-th of all of them."""


@dataclass(frozen=True, slots=True)
class NearPair:
    """Two people and the samples in which they resemble each other most. Primary keys."""

    comparison_score: float
    """Cosine, -1..1."""
    sample: int
    other_sample: int


@dataclass(frozen=True, slots=True, eq=False)
class SiteScores:
    people: int
    """Active people with at least one searched sample; of more than MOST_PEOPLE, so many."""
    samples: int
    """Of these people."""
    distribution: ScoreDistribution
    comparisons: int = 0
    """Comparisons of a sample with another person; the distribution keeps an even part of very many."""
    pairs: int = 0
    """Pairs of people that these comparisons are about."""
    pair_scores: Vector = field(default_factory=lambda: np.empty(0, np.float32))
    """(n,) float32, descending: the best score of each pair of people, of the nearest MOST_PAIRS."""
    nearest: tuple[NearPair, ...] = ()
    """The nearest MOST_NAMED pairs, the most similar first."""
    enrolled: int = 0
    """All people of whom these are a part; 0: these are all."""

    @property
    def everybody(self) -> int:
        """How many people a search compares with."""
        return max(self.people, self.enrolled)

    def pairs_reaching(self, threshold: float) -> int:
        """How many pairs of people have a comparison that reaches this; of more than MOST_PAIRS, so many."""
        return int(np.count_nonzero(self.pair_scores >= threshold))


def site_scores(contract_id: str, progress: Progress = lambda _: None) -> SiteScores:
    """Scores within one embedding space. Reads templates of MOST_PEOPLE; blocking, seconds in a large gallery.

    progress: is told the share that is done, 0..1; reading is the first half.
    """
    chosen, enrolled = _chosen_people()
    owners, samples, matrix = _load_templates(contract_id, chosen, lambda share: progress(share / 2))
    if not len(matrix):
        return SiteScores(0, 0, ScoreDistribution([], []))
    starts = np.flatnonzero(np.r_[True, owners[1:] != owners[:-1]])
    near = NearestPairs(MOST_PAIRS)
    mated, non_mated = leave_one_out(matrix, starts, near, lambda share: progress((1 + share) / 2))
    probed = len(np.unique(owners[_probes(len(matrix))]))
    ends = np.r_[starts[1:], len(matrix)]
    named = zip(near.found.scores[:MOST_NAMED], near.found.probes, near.found.others, strict=False)
    return SiteScores(
        people=len(starts),
        samples=len(matrix),
        distribution=ScoreDistribution(mated, non_mated),
        comparisons=min(len(matrix), MOST_PROBES) * (len(starts) - 1),
        pairs=math.comb(len(starts), 2) - math.comb(len(starts) - probed, 2),
        pair_scores=near.found.scores,
        nearest=tuple(
            NearPair(float(score), int(samples[probe]), int(samples[_most_similar(matrix, probe, starts, ends, other)]))
            for score, probe, other in named
        ),
        enrolled=enrolled,
    )


def _chosen_people() -> tuple[list[int] | None, int]:
    """Primary keys of whom to compare, spread evenly, and how many there are; None and 0: everybody."""
    searched = FaceSample.objects.filter(searched_on(timezone.localdate(), "person__"), set_aside=False)
    people = list(searched.order_by("person_id").values_list("person_id", flat=True).distinct())
    if len(people) <= MOST_PEOPLE:
        return None, 0
    return [people[at] for at in np.linspace(0, len(people) - 1, MOST_PEOPLE).astype(int)], len(people)


def _most_similar(matrix: Vector, probe: int, starts: NDArray[np.int64], ends: NDArray[np.int64], person: int) -> int:
    """The row of that person's sample that resembles the probe most."""
    return int(starts[person] + np.argmax(matrix[starts[person] : ends[person]] @ matrix[probe]))


def _probes(rows: int) -> NDArray[np.int64]:
    return np.unique(np.linspace(0, rows - 1, min(rows, MOST_PROBES)).astype(np.int64))


def leave_one_out(
    matrix: Vector,
    starts: NDArray[np.int64],
    near: NearestPairs | None = None,
    progress: Progress = lambda _: None,
) -> tuple[Vector, Vector]:
    """Mated and non-mated scores of (n, d) unit vectors; each person's rows stand together, from `starts` on.

    near: also gathers the nearest pairs of people. progress: is told the share of probes that are done.
    """
    person_of = np.repeat(np.arange(len(starts)), np.diff(np.r_[starts, len(matrix)]))
    probes = _probes(len(matrix))
    step = -(-len(probes) * (len(starts) - 1) // MOST_NON_MATED) or 1
    mated: list[Vector] = []
    non_mated: list[Vector] = []
    for first in range(0, len(probes), BLOCK):
        progress(first / len(probes))
        rows = probes[first : first + BLOCK]
        scores = matrix[rows] @ matrix.T
        scores[np.arange(len(rows)), rows] = -np.inf
        best = np.maximum.reduceat(scores, starts, axis=1)
        own = np.zeros(best.shape, bool)
        own[np.arange(len(rows)), person_of[rows]] = True
        mated.append(best[own][np.isfinite(best[own])])  # a person with one sample has nothing to compare it with
        non_mated.append(best[~own][::step])
        if near:
            best[own] = -np.inf
            near.add(best, rows, person_of[rows])
    return np.concatenate(mated), np.concatenate(non_mated)


def _load_templates(
    contract_id: str, chosen: list[int] | None, progress: Progress
) -> tuple[NDArray[np.int64], NDArray[np.int64], Vector]:
    """Owners (n,) ascending, samples (n,) and embeddings (n, d) of what searches use. Primary keys.

    chosen: whose; None: everybody's.
    """
    templates = FaceTemplate.objects.filter(
        searched_on(timezone.localdate(), "sample__person__"), contract_id=contract_id, sample__set_aside=False
    )
    rows = templates.order_by("sample__person_id", "pk").values_list("sample__person_id", "sample_id", "embedding")
    owners: list[int] = []
    samples: list[int] = []
    vectors: list[Vector] = []
    for some in _chunks(rows) if chosen is None else _chunks_of(rows, chosen, progress):
        plain = read_embeddings([(sample, embedding) for _, sample, embedding in some], contract_id)
        readable = [(row, data) for row, data in zip(some, plain, strict=True) if data is not None]
        owners.extend(row[0] for row, _ in readable)
        samples.extend(row[1] for row, _ in readable)
        vectors.extend(vector_from_bytes(data) for _, data in readable)
    matrix = np.stack(vectors) if vectors else np.empty((0, 0), np.float32)
    return np.array(owners, np.int64), np.array(samples, np.int64), matrix


def _chunks(rows: QuerySet[Any]) -> Iterator[list[Any]]:
    remaining = rows.iterator(chunk_size=CHUNK)
    while some := list(islice(remaining, CHUNK)):
        yield some


def _chunks_of(rows: QuerySet[Any], chosen: list[int], progress: Progress) -> Iterator[list[Any]]:
    """Some people at a time: a query by their keys reads no other row."""
    for first in range(0, len(chosen), PEOPLE_AT_ONCE):
        progress(first / len(chosen))
        yield list(rows.filter(sample__person__in=chosen[first : first + PEOPLE_AT_ONCE]))
