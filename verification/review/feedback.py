"""Wrong matches: an operator says "not this person", sees what that changes, and may take it back.

The face comes from the attempt's thumbnail, which is embedded again. Its embedding is kept for each embedding space and
read into the gallery with each revision; recognizer.search.confusions says what it does to decisions. After a change of
the model pack rebuild_templates calls rebuild_false_matches(), which embeds the thumbnails with the new pack.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from enrollment.models import FaceTemplate, Person
from enrollment.runtime.gallery import current_gallery, gallery_for
from enrollment.sealed import read_vectors
from enrollment.selectors import merged_records, people_by_uuid
from enrollment.services import bump_gallery_revision, lock_people
from recognizer.decisions import Question, compare_probe, policy_for_gallery
from recognizer.engine import FaceEngine
from recognizer.images import decode_crop
from recognizer.search.confusions import HIGHEST, Confusion, Confusions, raise_threshold
from recognizer.search.galleries import Gallery
from recognizer.types import DecisionPolicy, Vector, Verdict
from security.actors import Actor, actor_id
from security.allowing import require
from security.audit.actions import Action
from security.audit.recording import record
from security.encryption.data_keys import DataKey, key_for
from security.events import log_event
from security.rights import Right
from security.traces import leave_no_traces
from verification.models import ConfusedFace, FalseMatch, FalseMatchKey, VerificationAttempt
from verification.policy import current_policy
from verification.sealed import read_confused, read_picture, read_pictures, seal_confused
from verification.sightings import look_up_again

logger = logging.getLogger("facesite.verification")

MEASURED_ATTEMPTS = 50
"""The effect is measured on this many of the person's latest matches."""
LOOKALIKES = 5
"""People whom lookalikes_of() offers at most."""


class FeedbackRefused(Exception):
    """Nothing was recorded or taken back. str() is a sentence, lazy: some come out of the engine's pool."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What recording a face changes: how many matches there are without it, and how many of them it ends."""

    samples: int
    """The person's samples that are recognised by the person's other samples."""
    samples_refused: int
    """Those of them that would not be recognised any more."""
    attempts: int
    """The person's latest matches in the history, where the picture was kept, that are still a match today."""
    attempts_changed: int
    """Those of them that would no longer be a match."""


@dataclass(frozen=True, slots=True, eq=False)
class RecordedFace:
    """The face of a wrong match, and what recording it would do."""

    contract_id: str
    embedding: Vector
    """(d,) float32, L2-normalised, in the embedding space of contract_id."""
    comparison_score: float
    """Cosine with the person, which made it a match."""
    raised_threshold: float
    """Cosine that a face like it must reach from then on."""
    effect: Effect


def lookalikes_of(attempt: VerificationAttempt, engine: FaceEngine) -> list[tuple[Person, float]]:
    """Who else it may have been: the enrolled people nearest to the attempt's face, with comparison scores.

    Best first, at most LOOKALIKES, without the matched person. The attempt must have a thumbnail.
    """
    face = engine.submit(_embed_thumbnails, engine, [read_picture(attempt)]).result()[0]
    found = current_gallery(engine).search(face, LOOKALIKES + 1)
    people = people_by_uuid(candidate.person_id for candidate in found)
    return [
        (people[candidate.person_id], candidate.comparison_score)
        for candidate in found
        if candidate.person_id in people and people[candidate.person_id].pk != attempt.matched_person_id
    ][:LOOKALIKES]


def examine(attempt: VerificationAttempt, engine: FaceEngine, other: Person | None = None) -> RecordedFace:
    """Embed the attempt's face and measure what recording it would do. Writes nothing. Raises FeedbackRefused.

    other: the person whose face it really was, if the operator knows.
    """
    person = _person_of(attempt)
    picture = read_picture(attempt)
    if not picture:
        raise FeedbackRefused(_("The picture of this attempt is no longer kept, so nothing can be learnt from it."))
    if other is not None and other.pk == person.pk:
        raise FeedbackRefused(_("That is the person who was matched. Choose somebody else, or nobody."))
    gallery, policy = current_gallery(engine), current_policy(engine)
    samples, thumbnails = _own_templates(person, engine.contract_id), _matched_thumbnails(person)
    return engine.submit(_examine, engine, attempt, picture, gallery, policy, samples, thumbnails, other).result()


def record_false_match(
    *, actor: Actor | None, attempt: VerificationAttempt, face: RecordedFace, other: Person | None = None
) -> FalseMatch:
    """Record that the matched person was the wrong one; every process then minds the face. Raises FeedbackRefused.

    face, other: what examine() returned, and the person whose face it really was.
    """
    require(actor, Right.CORRECT)
    person = _person_of(attempt)
    with transaction.atomic():
        locked = VerificationAttempt.objects.select_for_update().defer("thumbnail").filter(pk=attempt.pk).first()
        # Both people are locked, so that an erasure comes either wholly before or wholly after this.
        wanted = {person.pk, *([other.pk] if other else [])}
        if lock_people(wanted) != wanted or locked is None:
            raise FeedbackRefused(_("Somebody in this attempt was erased meanwhile. Nothing was recorded."))
        if active_false_match(attempt):
            raise FeedbackRefused(_("This is recorded already."))
        recorded = FalseMatch(
            attempt=attempt,
            person=person,
            other_person=other,
            effect=asdict(face.effect),
            created_by=actor,  # type: ignore[misc]  # AUTH_USER_MODEL is whatever the login was
        )
        recorded.full_clean(exclude={"attempt", "person", "other_person", "created_by", "undone_by", "undone_at"})
        recorded.save(force_insert=True)
        look_up_again([person.pk])
        key = key_for(FalseMatchKey, false_match=recorded)
        _confused_face(recorded, face.contract_id, face.embedding, face.comparison_score, key).save(force_insert=True)
        bump_gallery_revision([person.uuid])
        people_in_it = {"person": str(person.uuid), "other": str(other.uuid) if other else None}
        record(Action.FALSE_MATCH_RECORDED, actor=actor, target=attempt.uuid, **people_in_it)
    log_event(logger, "false_match", attempt=str(attempt.uuid), actor=actor_id(actor))
    return recorded


def undo_false_match(*, actor: Actor | None, recorded: FalseMatch) -> None:
    """Take a record back, so that decisions are as before. Raises FeedbackRefused when it was taken back already.

    The FalseMatch stays, but its embeddings are erased.
    """
    require(actor, Right.CORRECT)
    with transaction.atomic():
        # The person first, as in an erasure, which erases the record.
        lock_people([recorded.person_id])
        undone = FalseMatch.objects.filter(pk=recorded.pk, undone_at=None)
        if not undone.update(undone_at=timezone.now(), undone_by=actor):
            raise FeedbackRefused(_("This was taken back already."))
        look_up_again([recorded.person_id])
        ConfusedFace.objects.filter(false_match=recorded.pk).delete()
        FalseMatchKey.objects.filter(false_match=recorded.pk).delete()
        leave_no_traces()
        bump_gallery_revision([recorded.person.uuid])
        about = {"person": str(recorded.person.uuid)}
        record(Action.FALSE_MATCH_UNDONE, actor=actor, target=recorded.attempt.uuid, **about)
    log_event(logger, "false_match_undone", attempt=str(recorded.attempt.uuid), actor=actor_id(actor))


def rebuild_false_matches(engine: FaceEngine) -> None:
    """Embed the recorded faces with this engine's pack where that is missing. Embeddings of other packs stay.

    The people must have their templates of that pack by then: the raised threshold comes from a score against them.
    """
    missing = FalseMatch.objects.filter(undone_at=None).exclude(faces__contract_id=engine.contract_id)
    recorded_faces = list(missing.select_related("attempt", "person"))
    kept = read_pictures((each.attempt.pk, each.attempt.uuid, each.attempt.thumbnail) for each in recorded_faces)
    wanted = [recorded for recorded in recorded_faces if recorded.attempt.pk in kept]
    if not wanted:
        return
    gallery = gallery_for(engine.contract_id, engine.dimension)
    pictures = [kept[recorded.attempt.pk] for recorded in wanted]
    vectors = engine.submit(_embed_thumbnails, engine, pictures).result()
    scored = []
    for recorded, vector in zip(wanted, vectors, strict=True):
        if candidate := gallery.compare(vector, str(recorded.person.uuid)):
            scored.append((recorded, vector, candidate.comparison_score))
    with transaction.atomic():
        still = set(FalseMatch.objects.select_for_update().filter(undone_at=None).values_list("pk", flat=True))
        faces = [
            _confused_face(recorded, engine.contract_id, vector, score, key_for(FalseMatchKey, false_match=recorded))
            for recorded, vector, score in scored
            if recorded.pk in still
        ]
        ConfusedFace.objects.bulk_create(faces, ignore_conflicts=True)
        bump_gallery_revision({face.false_match.person.uuid for face in faces})


def load_confusions(contract_id: str) -> Confusions:
    """The recorded faces that the gallery of that embedding space must mind. Three queries.

    A merged person's faces count for the person they were merged into.
    """
    faces = ConfusedFace.objects.filter(contract_id=contract_id, false_match__undone_at=None).order_by("pk")
    rows = list(
        faces.values_list(
            "embedding",
            "false_match__uuid",
            "false_match__person__uuid",
            "raised_threshold",
            "false_match__other_person__uuid",
        )
    )
    vectors = read_confused([(embedding, uuid) for embedding, uuid, *_ in rows], contract_id)
    holders = merged_records()
    return Confusions(
        Confusion(holder, vector, threshold, rival if rival != holder else None)
        for (_, _, person, threshold, other), vector in zip(rows, vectors, strict=True)
        for holder, rival in [(_holder(person, holders), _holder(other, holders) if other else None)]
        if vector is not None
    )


def _holder(person: UUID, holders: Mapping[UUID, UUID]) -> str:
    """uuid as text of the person who has this person's samples after all merges."""
    while person in holders:
        person = holders[person]
    return str(person)


def active_false_match(attempt: VerificationAttempt) -> FalseMatch | None:
    """What is recorded about this attempt and was not taken back, with its people and operator; None: nothing."""
    recorded = FalseMatch.objects.filter(attempt=attempt.pk, undone_at=None)
    return recorded.select_related("person", "other_person", "created_by", "attempt").first()


def raised_threshold_of(recorded: FalseMatch) -> float | None:
    """The raised threshold in the embedding space in which it was recorded first; None: it was taken back."""
    return recorded.faces.order_by("pk").values_list("raised_threshold", flat=True).first()


def _person_of(attempt: VerificationAttempt) -> Person:
    if attempt.verdict != VerificationAttempt.Verdict.MATCH or attempt.matched_person is None:
        raise FeedbackRefused(_("Only a match can be wrong about a person, and this attempt names nobody."))
    return attempt.matched_person


def _confused_face(
    recorded: FalseMatch, contract_id: str, embedding: Vector, score: float, key: DataKey
) -> ConfusedFace:
    face = ConfusedFace(
        false_match=recorded,
        contract_id=contract_id,
        comparison_score=score,
        raised_threshold=raise_threshold(score),
    )
    face.embedding = seal_confused(face, embedding, key)
    face.full_clean(exclude={"false_match"}, validate_unique=False, validate_constraints=False)
    return face


def _own_templates(person: Person, contract_id: str) -> dict[int, Vector]:
    """Template's primary key -> embedding (d,) of the person's templates that searches use. Two queries."""
    rows = FaceTemplate.objects.filter(sample__person=person, sample__set_aside=False, contract_id=contract_id)
    own = list(rows.order_by("pk").values_list("pk", "sample_id", "embedding"))
    vectors = read_vectors([(sample, embedding) for _, sample, embedding in own], contract_id)
    return {pk: vectors[sample] for pk, sample, _ in own if sample in vectors}


def _matched_thumbnails(person: Person) -> list[bytes]:
    """JPEGs of the person's latest matches whose pictures are still kept, at most MEASURED_ATTEMPTS."""
    matched = VerificationAttempt.objects.filter(matched_person=person, verdict=VerificationAttempt.Verdict.MATCH)
    newest = matched.exclude(thumbnail=b"").order_by("-pk")[:MEASURED_ATTEMPTS]
    return list(read_pictures(newest.values_list("pk", "uuid", "thumbnail")).values())


def _embed_thumbnails(engine: FaceEngine, thumbnails: Sequence[bytes]) -> Vector:
    vectors: Vector = engine.embed([decode_crop(jpeg) for jpeg in thumbnails])
    return vectors


def _examine(
    engine: FaceEngine,
    attempt: VerificationAttempt,
    picture: bytes,
    gallery: Gallery,
    policy: DecisionPolicy,
    samples: dict[int, Vector],
    thumbnails: Sequence[bytes],
    other: Person | None,
) -> RecordedFace:
    """examine() as one job for the engine's pool."""
    person_id = str(_person_of(attempt).uuid)
    vector = _embed_thumbnails(engine, [picture])[0]
    candidate = gallery.compare(vector, person_id)
    if candidate is None:
        raise FeedbackRefused(_("This person has no picture that is searched now, so nobody can be taken for them."))
    score = candidate.comparison_score
    if attempt.contract_id == engine.contract_id and attempt.comparison_score is not None:
        score = max(score, attempt.comparison_score)
    if score >= HIGHEST:
        raise FeedbackRefused(
            _(
                "This face is one of the person's own pictures, or nearly. If it is somebody else, remove that picture "
                "on the person's page."
            )
        )
    confusion = Confusion(person_id, vector, raise_threshold(score), str(other.uuid) if other else None)
    after = gallery.with_confusions(gallery.confusions.plus(confusion))
    asked = policy_for_gallery(policy, gallery.people)

    def names(probe: Vector, snapshot: Gallery) -> bool:
        found = compare_probe(probe, Question(snapshot, asked, cohort=engine.cohort))
        return found.verdict == Verdict.MATCH and found.person_id == person_id

    def measure(probes: Sequence[tuple[Vector, Sequence[int]]]) -> tuple[int, int]:
        """How many probes match before, and how many of those no longer match after.

        probes: (embedding, ids of the templates that this probe is not compared with).
        """
        matched = refused = 0
        for probe, own in probes:
            if names(probe, gallery.without(own)):
                matched += 1
                refused += not names(probe, after.without(own))
        return matched, refused

    mated = measure([(probe, [template]) for template, probe in samples.items()])
    attempts = measure([(probe, ()) for probe in _embed_thumbnails(engine, thumbnails)])
    return RecordedFace(engine.contract_id, vector, score, confusion.raised_threshold, Effect(*mated, *attempts))
