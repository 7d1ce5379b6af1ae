"""What another model pack would decide: the kept pictures of attempts against the kept samples. Writes nothing.

An attempt keeps one small picture, its best frame, and no vector. So both packs look at that picture alone, the one in
use too: where these two differ, the other pack changes something. Liveness is not asked again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from django.utils import timezone

from enrollment.models import FaceSample, FaceTemplate, searched_on
from enrollment.runtime.gallery import current_gallery
from enrollment.sealed import read_crops, read_embeddings
from recognizer.decisions import Question, compare_probe, policy_for_gallery
from recognizer.engine import FaceEngine
from recognizer.errors import ImageError
from recognizer.images import decode_crop
from recognizer.search.blocks import TemplateRow
from recognizer.search.confusions import NONE_RECORDED
from recognizer.search.galleries import Gallery
from recognizer.search.gallery import GallerySnapshot
from recognizer.types import DecisionPolicy, Image, Vector, Verdict
from recognizer.vectors import vector_from_bytes
from verification.accuracy.history import PastDecision
from verification.accuracy.what_if import is_of_the_score
from verification.models import VerificationAttempt
from verification.sealed import read_pictures

T = TypeVar("T")
BATCH = 64
"""Pictures at a time: bounds memory, and each query is short."""


@dataclass(frozen=True, slots=True)
class PackChange:
    """One attempt on whose picture the two packs differ."""

    attempt: PastDecision
    verdict: Verdict
    """Of the pack in use, by the picture alone."""
    other_verdict: Verdict


@dataclass(frozen=True, slots=True)
class PackReplay:
    """Both packs on the same pictures."""

    changes: tuple[PackChange, ...]
    """In the order of the attempts."""
    replayed: int
    repeated: int
    """Of these, how many the pack in use decides by the picture as it did by all frames that day."""
    without_picture: int
    """Their pictures were erased, or cannot be read."""
    untouched: int
    """Something else than a score decided."""


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One of the two packs, with everybody's templates and the policy as it stands for one comparison."""

    engine: FaceEngine
    gallery: Gallery
    policy: DecisionPolicy

    def judge(self, face: Vector, claimed: str | None) -> Verdict:
        """face: (d,) float32; claimed: a person's uuid, None for a search."""
        policy = self.policy if claimed else policy_for_gallery(self.policy, self.gallery.people)
        return compare_probe(face, Question(self.gallery, policy, claimed, self.engine.cohort)).verdict


def side_in_use(engine: FaceEngine, policy: DecisionPolicy) -> Side:
    """Without recorded wrong matches, which the other pack has not got either."""
    return Side(engine, current_gallery(engine).with_confusions(NONE_RECORDED), policy)


def other_side(engine: FaceEngine, policy: DecisionPolicy) -> Side:
    """With templates of the stored ones, and of the kept crops where there are none. Seconds per 1,000 samples."""
    rows = [row for some in _batches(_samples()) for row in _templates(engine, some)]
    gallery = GallerySnapshot.build(rows, contract_id=engine.contract_id, dimension=engine.dimension, revision=0)
    return Side(engine, gallery, policy)


def replay_pack(attempts: Iterable[PastDecision], now: Side, other: Side) -> PackReplay:
    """Both packs on every picture that is still there. Blocking; two models run on each picture."""
    listed = list(attempts)
    asked = [one for one in listed if is_of_the_score(one)]
    changes: list[PackChange] = []
    replayed = repeated = 0
    for some in _batches(asked):
        for attempt, claimed, vectors in _faces(some, (now.engine, other.engine)):
            verdict, other_verdict = now.judge(vectors[0], claimed), other.judge(vectors[1], claimed)
            replayed += 1
            repeated += verdict == attempt.verdict
            if verdict != other_verdict:
                changes.append(PackChange(attempt, verdict, other_verdict))
    return PackReplay(tuple(changes), replayed, repeated, len(asked) - replayed, len(listed) - len(asked))


def _faces(
    attempts: Sequence[PastDecision], engines: Sequence[FaceEngine]
) -> Iterator[tuple[PastDecision, str | None, list[Vector]]]:
    """Each attempt with the claimed person's uuid and its face in every engine's space, without those that are gone."""
    rows = VerificationAttempt.objects.filter(pk__in=[one.pk for one in attempts])
    claims = dict(rows.values_list("pk", "claimed_person__uuid"))
    pictures = read_pictures(rows.values_list("pk", "uuid", "thumbnail"))
    crops = {pk: crop for pk, data in pictures.items() if (crop := _crop(data)) is not None}
    there = [one for one in attempts if one.pk in crops and (one.mode == "identify" or claims.get(one.pk))]
    if not there:
        return
    spaces = [_embed(engine, [crops[one.pk] for one in there]) for engine in engines]
    for at, one in enumerate(there):
        yield one, str(claims[one.pk]) if one.mode == "verify" else None, [space[at] for space in spaces]


def _samples() -> Iterator[tuple[int, str]]:
    """Primary key and person's uuid of what a search would compare with; keys only, crops come batch by batch."""
    rows = FaceSample.objects.filter(searched_on(timezone.localdate(), "person__"), set_aside=False).order_by("pk")
    yield from ((pk, str(uuid)) for pk, uuid in rows.values_list("pk", "person__uuid"))


def _templates(engine: FaceEngine, samples: Sequence[tuple[int, str]]) -> Iterator[TemplateRow]:
    owners = dict(samples)
    stored = FaceTemplate.objects.filter(sample__in=list(owners), contract_id=engine.contract_id)
    rows = list(stored.values_list("sample_id", "embedding"))
    plain = zip(rows, read_embeddings(rows, engine.contract_id), strict=True)
    vectors = {pk: vector_from_bytes(data) for (pk, _), data in plain if data is not None}
    missing = FaceSample.objects.filter(pk__in=owners.keys() - vectors.keys())
    crops = read_crops(missing.values_list("pk", "uuid", "crop"))
    readable = {pk: crop for pk, data in crops.items() if (crop := _crop(data)) is not None}
    if readable:
        vectors |= dict(zip(readable, _embed(engine, list(readable.values())), strict=True))
    for pk, vector in vectors.items():
        yield TemplateRow(pk, owners[pk], vector)


def _crop(data: bytes) -> Image | None:
    try:
        return decode_crop(data)
    except ImageError:
        return None


def _embed(engine: FaceEngine, crops: Sequence[Image]) -> Vector:
    return engine.submit(engine.embed, crops).result()


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    remaining = iter(items)
    while some := list(islice(remaining, BATCH)):
        yield some
