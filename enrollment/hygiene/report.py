"""A look through the whole gallery: likely duplicates, samples that do not fit their person, look-alikes.

Everybody is compared with everybody, block by block (recognizer.search.fit). Deactivated people and samples that were
set aside take no part. Samples that do not fit their person are left out when people are compared: one picture of a
stranger must not make two whole records look like duplicates.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from numpy.typing import NDArray

from enrollment.models import FaceSample, Person, PersonPair, searched_on
from enrollment.runtime.gallery import CHUNK, template_chunks
from enrollment.runtime.policy import current_policy
from enrollment.samples.pairs import noted_pairs
from recognizer.decisions import policy_for_gallery
from recognizer.engine import FaceEngine
from recognizer.search.fit import Fit, Partway, find_resemblances, judge_fit
from recognizer.types import Vector
from recognizer.vectors import matrix_from_bytes
from security.numbers import grouped

SHOWN = 100
"""At most this many rows of each kind are listed, the clearest first. The counts cover all of them."""


@dataclass(frozen=True, slots=True)
class SimilarPeople:
    """Two people whose samples resemble each other."""

    first: Person
    second: Person
    first_sample: FaceSample
    """first_sample and second_sample are the two that resemble each other most; their crops are not loaded."""
    second_sample: FaceSample
    comparison_score: float
    """Cosine of these two samples, -1..1."""
    comparisons: int
    """Number of samples of the first person times that of the second."""
    matching: int
    """How many of these comparisons reach the match threshold."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """A sample that does not fit the person's other samples."""

    sample: FaceSample
    person: Person
    best_score: float
    """Cosine with the most similar of the person's other samples, -1..1."""
    settled: bool
    """False: the person's samples disagree, and no side has the majority."""
    closest: FaceSample
    """The most similar of the person's other samples, shown beside this one."""
    resembles: Person | None = None
    """The other person whom this sample matches best; None: it matches nobody else."""
    resembles_score: float | None = None
    """Cosine with that person's most similar sample; None without such a person."""


@dataclass(frozen=True, slots=True)
class HygieneReport:
    """What was compared, the thresholds (cosines), how much was found, and the clearest rows of each kind."""

    contract_id: str
    people: int
    templates: int
    match_threshold: float
    """What a search among so many people needs (policy_for_gallery). From here on two people are likely duplicates."""
    uncertain_threshold: float
    """From here up to match_threshold two people are look-alikes."""
    fit_threshold: float
    """From here on two samples of a person hang together; what is outside the largest such group does not fit."""
    fmr: float
    """The false-match rate per comparison that match_threshold stands for."""
    population: str
    """What that rate was measured on: "on LFW"."""
    seconds: float
    """How long the report took."""
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
        return _("Of {count} comparisons of two different people {population} about one reaches it.").format(
            count=grouped(round(1 / self.fmr)), population=self.population
        )

    @property
    def compared_sentence(self) -> str:
        """How much was compared, and how long it took."""
        templates = ngettext("{count} template", "{count} templates", self.templates).format(count=self.templates)
        return ngettext(
            "{templates} of {count} active person, in {seconds} seconds",
            "{templates} of {count} active people, in {seconds} seconds",
            self.people,
        ).format(templates=templates, count=self.people, seconds=number_format(round(self.seconds, 1), 1))


@dataclass(frozen=True, slots=True, eq=False)
class _Gallery:
    """n templates, a row each; the rows of one person stand together."""

    sample_ids: NDArray[np.int64]
    """(n,) primary keys of the samples."""
    people: NDArray[np.int64]
    """(n,) primary keys of the people, ascending."""
    matrix: Vector
    """(n, d) float32, L2-normalised."""
    taken_back: NDArray[np.bool_]
    """(n,) True: an operator said that this sample is right."""

    def rows_by_person(self) -> Iterable[NDArray[np.int64]]:
        return np.split(np.arange(len(self.people)), np.flatnonzero(np.diff(self.people)) + 1)

    def rows_of(self, person: int) -> slice:
        return slice(*np.searchsorted(self.people, (person, person + 1)).tolist())

    def digest(self, threshold: float) -> str:
        """Another one when other samples are compared, or otherwise."""
        facts = hashlib.sha256(f"{self.matrix.shape} {threshold!r}".encode())
        for column in (self.sample_ids, self.people, self.matrix):
            facts.update(np.ascontiguousarray(column).data)
        return facts.hexdigest()

    def without(self, rows: Sequence[int]) -> _Gallery:
        keep = np.ones(len(self.people), np.bool_)
        keep[list(rows)] = False
        return _Gallery(self.sample_ids[keep], self.people[keep], self.matrix[keep], self.taken_back[keep])


class Steps:
    """Where a comparison goes on from, and who is told how far it is. This one begins at the beginning."""

    since: Partway | None = None

    def note(self, partway: Partway) -> None:
        """Called every second or so."""


def build_report(
    engine: FaceEngine, *, shown: int = SHOWN, steps: Callable[[str], Steps] | None = None
) -> HygieneReport:
    """Compare all templates of the engine's embedding space. Reads only; blocking, seconds for 10,000 templates.

    shown: rows of each kind that are listed; the counts cover all. steps: gets a digest of what is compared, and keeps
    how far that has come. Raises PackUnknown when the pack has no threshold.
    """
    start = time.perf_counter()
    gallery = _read(engine.contract_id, engine.dimension)
    number = len(np.unique(gallery.people))
    base = current_policy(engine)
    policy = policy_for_gallery(base, number)
    odd = _find_misfits(gallery, base.uncertain_threshold)
    clean = gallery.without([row for row, _, fit in odd if fit.settled])
    noted = list(noted_pairs())
    different = {frozenset((pair.first_id, pair.second_id)) for pair in noted}
    step = steps(clean.digest(policy.uncertain_threshold)) if steps else Steps()
    alike = find_resemblances(clean.people, clean.matrix, policy.uncertain_threshold, since=step.since, note=step.note)
    similar = [
        found for found in alike if frozenset(clean.people[[found.row, found.other_row]].tolist()) not in different
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
        population=policy.population,
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
    chunks = template_chunks(contract_id, dimension)
    first = list(islice(chunks, 1))
    owners = _owners() if first else {}  # after a switch of packs there are samples, and no templates of theirs
    ids: list[int] = []
    blocks = [np.empty((0, dimension), np.float32)]
    for chunk in chain(first, chunks):
        searched = [row for row in chunk if row[1] in owners]
        ids.extend(row[1] for row in searched)
        blocks.append(matrix_from_bytes((row[2] for row in searched), dimension))
    people = np.array([owners[pk][0] for pk in ids], np.int64)
    order = np.argsort(people, kind="stable")
    taken_back = np.array([owners[pk][1] for pk in ids], np.bool_)
    return _Gallery(np.array(ids, np.int64)[order], people[order], np.concatenate(blocks)[order], taken_back[order])


def _owners() -> dict[int, tuple[int, bool]]:
    """Sample that is searched -> its person, and whether an operator said that it is right.

    Samples and people are joined here and not in SQL, for the reason that runtime/gallery.py gives.
    """
    active = set(Person.objects.filter(searched_on(timezone.localdate())).order_by().values_list("pk", flat=True))
    rows = FaceSample.objects.filter(set_aside=False).order_by().values_list("pk", "person_id", "taken_back")
    return {pk: (person, kept) for pk, person, kept in rows.iterator(chunk_size=CHUNK) if person in active}


def _find_misfits(gallery: _Gallery, threshold: float) -> list[tuple[int, int, Fit]]:
    """(row that does not fit, row of the person's most similar other sample, the person's fit), the worst first."""
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
    for (row, closest, fit), (__, other, score) in zip(odd, likeness, strict=True):
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
    """Row and score of the most similar sample of another person, if it reaches the threshold."""
    scores = gallery.matrix @ gallery.matrix[row]
    scores[gallery.rows_of(int(gallery.people[row]))] = -2.0
    best = int(scores.argmax())
    return (best, float(scores[best])) if scores[best] >= threshold else (None, None)


def _samples(gallery: _Gallery, rows: Sequence[int]) -> dict[int, FaceSample]:
    """Primary key -> sample with its person, for these rows; crops are not loaded."""
    wanted = {int(gallery.sample_ids[row]) for row in rows}
    return FaceSample.objects.select_related("person").defer("crop", "quality").in_bulk(wanted)
