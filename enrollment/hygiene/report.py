"""The whole gallery looked through: likely duplicates, samples that do not fit their person, look-alikes.

Every person is compared with every other one, block by block (recognizer.search.fit). Deactivated people and samples
that were set aside take no part. Samples that do not fit are left out when people are compared: one stranger's picture
in a record must not look like a duplicate of the whole record.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from enrollment.models import FaceSample, FaceTemplate, Person, PersonPair
from enrollment.runtime.gallery import CHUNK, template_chunks
from enrollment.runtime.policy import current_policy
from enrollment.samples.pairs import noted_pairs
from recognizer.decisions import policy_for_gallery
from recognizer.engine import FaceEngine
from recognizer.search.fit import Fit, find_resemblances, judge_fit
from recognizer.types import Vector
from recognizer.vectors import matrix_from_bytes

SHOWN = 100
"""Rows of each kind that a report lists, the clearest first; the numbers count all."""


@dataclass(frozen=True, slots=True)
class SimilarPeople:
    first: Person
    second: Person
    first_sample: FaceSample
    """The most similar samples of the two (without their crops)."""
    second_sample: FaceSample
    comparison_score: float
    comparisons: int
    """Samples of one times samples of the other."""
    matching: int
    """How many of these comparisons reach the match threshold."""


@dataclass(frozen=True, slots=True)
class Misfit:
    sample: FaceSample
    person: Person
    best_score: float
    """The best comparison with the person's other samples."""
    settled: bool
    """False: the person's samples disagree, and no side has the majority."""
    closest: FaceSample
    """The person's own sample that it is compared with for the eye."""
    resembles: Person | None = None
    """Somebody else whom it matches."""
    resembles_score: float | None = None


@dataclass(frozen=True, slots=True)
class HygieneReport:
    contract_id: str
    people: int
    templates: int
    match_threshold: float
    """For a search among so many people (policy_for_gallery): at and above it two people are likely duplicates."""
    uncertain_threshold: float
    """From here up to match_threshold they are look-alikes."""
    fit_threshold: float
    """A sample whose comparisons with its person's others all lie below this does not fit."""
    fmr: float
    """The false-match rate per comparison that match_threshold stands for."""
    seconds: float
    duplicate_count: int = 0
    lookalike_count: int = 0
    misfit_count: int = 0
    duplicates: Sequence[SimilarPeople] = ()
    lookalikes: Sequence[SimilarPeople] = ()
    misfits: Sequence[Misfit] = ()
    noted: Sequence[PersonPair] = ()

    @property
    def stranger_sentence(self) -> str:
        """The match threshold's false-match rate in words."""
        return f"Of {round(1 / self.fmr):,} comparisons of two different people about one reaches it."


@dataclass(frozen=True, slots=True, eq=False)
class _Gallery:
    """Rows in the order of their people; n templates."""

    sample_ids: NDArray[np.int64]
    people: NDArray[np.int64]
    """(n,) primary keys."""
    matrix: Vector
    """(n, d)"""
    taken_back: NDArray[np.bool_]
    """(n,) An operator said that this sample is right."""

    def rows_by_person(self) -> Iterable[NDArray[np.int64]]:
        return np.split(np.arange(len(self.people)), np.flatnonzero(np.diff(self.people)) + 1)

    def rows_of(self, person: int) -> slice:
        return slice(*np.searchsorted(self.people, (person, person + 1)).tolist())

    def without(self, rows: Sequence[int]) -> _Gallery:
        keep = np.ones(len(self.people), np.bool_)
        keep[list(rows)] = False
        return _Gallery(self.sample_ids[keep], self.people[keep], self.matrix[keep], self.taken_back[keep])


def build_report(engine: FaceEngine, *, shown: int = SHOWN) -> HygieneReport:
    """Blocking: seconds for 10,000 templates. Compares templates of the engine's embedding space only."""
    start = time.perf_counter()
    gallery = _read(engine.contract_id, engine.dimension)
    number = len(np.unique(gallery.people))
    base = current_policy(engine)
    policy = policy_for_gallery(base, number)
    odd = _find_misfits(gallery, base.uncertain_threshold)
    clean = gallery.without([row for row, _, fit in odd if fit.settled])
    noted = list(noted_pairs())
    different = {frozenset((pair.first_id, pair.second_id)) for pair in noted}
    similar = [
        found
        for found in find_resemblances(clean.people, clean.matrix, policy.uncertain_threshold)
        if frozenset(clean.people[[found.row, found.other_row]].tolist()) not in different
    ]
    likely = [found for found in similar if found.comparison_score >= policy.match_threshold]
    maybe = similar[len(likely) :]
    listed = [*likely[:shown], *maybe[:shown]]
    pairs = _described(clean, [(found.row, found.other_row) for found in listed], policy.match_threshold)
    return HygieneReport(
        contract_id=engine.contract_id,
        people=number,
        templates=len(gallery.people),
        match_threshold=policy.match_threshold,
        uncertain_threshold=policy.uncertain_threshold,
        fit_threshold=base.uncertain_threshold,
        fmr=policy.fmr,
        duplicate_count=len(likely),
        lookalike_count=len(maybe),
        misfit_count=len(odd),
        duplicates=pairs[: len(likely[:shown])],
        lookalikes=pairs[len(likely[:shown]) :],
        misfits=_described_misfits(gallery, odd[:shown], policy.match_threshold),
        noted=noted,
        seconds=time.perf_counter() - start,
    )


def _read(contract_id: str, dimension: int) -> _Gallery:
    """Joined here and not in SQL, as the gallery does it."""
    active = set(Person.objects.filter(is_active=True).order_by().values_list("pk", flat=True))
    rows = FaceSample.objects.filter(set_aside=False).order_by().values_list("pk", "person_id", "taken_back")
    owners = {pk: (person, kept) for pk, person, kept in rows.iterator(chunk_size=CHUNK) if person in active}
    ids: list[int] = []
    blocks = [np.empty((0, dimension), np.float32)]
    for chunk in template_chunks(FaceTemplate.objects.filter(contract_id=contract_id, dimension=dimension)):
        searched = [row for row in chunk if row[1] in owners]
        ids.extend(row[1] for row in searched)
        blocks.append(matrix_from_bytes((row[2] for row in searched), dimension))
    people = np.array([owners[pk][0] for pk in ids], np.int64)
    order = np.argsort(people, kind="stable")
    taken_back = np.array([owners[pk][1] for pk in ids], np.bool_)
    return _Gallery(np.array(ids, np.int64)[order], people[order], np.concatenate(blocks)[order], taken_back[order])


def _find_misfits(gallery: _Gallery, threshold: float) -> list[tuple[int, int, Fit]]:
    """(row, row of the person's closest other sample, the person's fit), the worst first."""
    found = []
    for rows in gallery.rows_by_person():
        if len(rows) < 2:
            continue
        vectors = gallery.matrix[rows]
        fit = judge_fit(vectors, threshold)
        wrong = fit.outliers if fit.settled else range(len(rows))
        for at in wrong:
            if not gallery.taken_back[rows[at]]:
                likeness = vectors @ vectors[at]
                likeness[at] = -2.0  # below every cosine
                found.append((fit.best_scores[at], int(rows[at]), int(rows[int(likeness.argmax())]), fit))
    return [(row, closest, fit) for _, row, closest, fit in sorted(found, key=lambda entry: entry[:2])]


def _described(gallery: _Gallery, rows: Sequence[tuple[int, int]], threshold: float) -> list[SimilarPeople]:
    samples = _samples(gallery, [row for pair in rows for row in pair])
    described = []
    for row, other_row in rows:
        first, second = (gallery.rows_of(int(gallery.people[at])) for at in (row, other_row))
        scores = gallery.matrix[first] @ gallery.matrix[second].T
        one, other = (samples[int(gallery.sample_ids[at])] for at in (row, other_row))
        described.append(
            SimilarPeople(
                first=one.person,
                second=other.person,
                first_sample=one,
                second_sample=other,
                comparison_score=float(gallery.matrix[row] @ gallery.matrix[other_row]),
                comparisons=scores.size,
                matching=int(np.count_nonzero(scores >= threshold)),
            )
        )
    return described


def _described_misfits(gallery: _Gallery, odd: Sequence[tuple[int, int, Fit]], threshold: float) -> list[Misfit]:
    likeness = [(row, *_resembles(gallery, row, threshold)) for row, _, _ in odd]
    rows = [row for row, closest, _ in odd for row in (row, closest)]
    samples = _samples(gallery, [*rows, *(other for _, other, _ in likeness if other is not None)])
    described = []
    for (row, closest, fit), (_, other, score) in zip(odd, likeness, strict=True):
        sample = samples[int(gallery.sample_ids[row])]
        described.append(
            Misfit(
                sample=sample,
                person=sample.person,
                best_score=float(gallery.matrix[row] @ gallery.matrix[closest]),
                settled=fit.settled,
                closest=samples[int(gallery.sample_ids[closest])],
                resembles=None if other is None else samples[int(gallery.sample_ids[other])].person,
                resembles_score=score,
            )
        )
    return described


def _resembles(gallery: _Gallery, row: int, threshold: float) -> tuple[int | None, float | None]:
    """The most similar sample of somebody else, if it matches."""
    scores = gallery.matrix @ gallery.matrix[row]
    scores[gallery.rows_of(int(gallery.people[row]))] = -2.0
    best = int(scores.argmax())
    return (best, float(scores[best])) if scores[best] >= threshold else (None, None)


def _samples(gallery: _Gallery, rows: Sequence[int]) -> dict[int, FaceSample]:
    """Primary key -> sample with its person, without the crop."""
    wanted = {int(gallery.sample_ids[row]) for row in rows}
    return FaceSample.objects.select_related("person").defer("crop", "quality").in_bulk(wanted)
