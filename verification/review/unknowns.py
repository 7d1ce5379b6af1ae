"""The inbox of unknown faces: kept only while the policy says so, for some days, to be enrolled, assigned or dismissed.

Off unless somebody with staff rights turns it on. What was kept goes after the policy's days, at once when the policy
is turned off, and with the erasure of whoever it was enrolled or assigned as, or matches. Infer first: models never run
in here, except in `embed_anew` after a change of the model pack.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import numpy as np
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from enrollment import services as enrollment
from enrollment.models import FaceSample, FaceTemplate, Person
from enrollment.runtime.engine import engine_if_ready
from enrollment.samples.drafts import SampleDraft, pose_bucket, quality_from_json, quality_to_json
from enrollment.samples.storing import MAX_SAMPLES, Actor, actor_id
from enrollment.selectors import erased_samples, people_by_uuid
from recognizer.engine import FaceEngine
from recognizer.images import decode_crop, encode_crop
from recognizer.search.clustering import cluster_embeddings
from recognizer.search.gallery import GallerySnapshot
from recognizer.tracking.tracks import Decision
from recognizer.types import LivenessVerdict, Vector, Verdict
from verification.models import InboxAction, UnknownFace, UnknownPolicy, VerificationAttempt
from verification.policy import current_policy

logger = logging.getLogger("facesite.verification")

MOST_KEPT = 2_000
"""Faces in the inbox; the oldest go first. Clustering that many takes a page view, not a coffee."""


class InboxRefused(Exception):
    """str() is a sentence for the operator."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Unknown faces that are probably one person."""

    faces: tuple[UnknownFace, ...]
    """Best quality first; without crops."""
    first_seen: datetime
    last_seen: datetime

    @property
    def key(self) -> UUID:
        """The earliest face: the cluster is found again by it while faces join."""
        return min(self.faces, key=lambda face: face.pk).uuid

    @property
    def uuids(self) -> str:
        """For a form field: exactly the faces that were shown."""
        return " ".join(face.uuid.hex for face in self.faces)


def current_unknown_policy() -> UnknownPolicy:
    return UnknownPolicy.objects.order_by("-pk").first() or UnknownPolicy()


def save_unknown_policy(*, actor: Actor | None, keep: bool, days: int) -> UnknownPolicy:
    """A new row. Turning it off erases what is in the inbox at once. Raises ValidationError."""
    policy = UnknownPolicy(keep=keep, days=days, saved_by=actor)  # type: ignore[misc]
    policy.full_clean(exclude={"saved_by"})
    with transaction.atomic():
        policy.save(force_insert=True)
        gone = UnknownFace.objects.all().delete()[0] if not keep else purge_unknowns()
    logger.info("event=unknown_policy keep=%s days=%d erased=%d actor=%s", keep, days, gone, actor_id(actor))
    return policy


def purge_unknowns() -> int:
    """Erase what is older than the policy's days; how many faces that were."""
    policy = current_unknown_policy()
    limit = timezone.now() - timedelta(days=policy.days)
    expired = UnknownFace.objects.filter(kept_at__lt=limit) if policy.keep else UnknownFace.objects.all()
    gone = expired.delete()[0]
    if gone:
        logger.info("event=unknowns_purged faces=%d", gone)
    return gone


def is_worth_keeping(attempt: VerificationAttempt, decision: Decision) -> bool:
    """A good look at a live face that a search on the live page did not find."""
    return (
        attempt.source == VerificationAttempt.Source.LIVE
        and attempt.mode == VerificationAttempt.Mode.IDENTIFY
        and decision.verdict == Verdict.NON_MATCH
        and decision.liveness.verdict != LivenessVerdict.ATTACK
        and decision.best.good
    )


def keep_unknown(attempt: VerificationAttempt, decision: Decision) -> UnknownFace | None:
    """Called in the transaction that records the attempt. None: not worth keeping, or the policy is off."""
    if not is_worth_keeping(attempt, decision) or not current_unknown_policy().keep:
        return None
    purge_unknowns()
    face = UnknownFace(
        attempt=attempt,
        kept_at=attempt.created_at,
        quality=quality_to_json(decision.best.quality),
        quality_score=float(decision.best.quality.score),
        contract_id=attempt.contract_id,
        embedding=np.ascontiguousarray(decision.best.embedding, "<f4").tobytes(),
        crop=encode_crop(decision.best.aligned),
    )
    face.full_clean(exclude={"attempt", "handled_by"}, validate_unique=False)
    face.save(force_insert=True)
    surplus = UnknownFace.objects.order_by("-pk").values_list("pk", flat=True)[MOST_KEPT:]
    UnknownFace.objects.filter(pk__in=list(surplus)).delete()
    return face


def pending_faces() -> QuerySet[UnknownFace]:
    """In the inbox, oldest first, without crops."""
    return UnknownFace.objects.filter(handled_by=None).select_related("attempt").defer("crop", "attempt__thumbnail")


def find_clusters(contract_id: str, threshold: float) -> list[Cluster]:
    """The inbox, largest cluster first. Faces of another embedding space wait for `embed_anew`."""
    faces = list(pending_faces().filter(contract_id=contract_id).order_by("pk"))
    if not faces:
        return []
    groups = cluster_embeddings(np.stack([_vector(face) for face in faces]), threshold)
    return [_cluster([faces[row] for row in rows]) for rows in groups]


def nearest_people(
    faces: Sequence[UnknownFace], gallery: GallerySnapshot, limit: int = 5
) -> list[tuple[Person, float]]:
    """Who looks most like these faces on average, with the comparison score. A hint for a human, no decision."""
    mean = np.mean([_vector(face) for face in faces], axis=0)
    length = float(np.linalg.norm(mean))
    if gallery.contract_id != faces[0].contract_id or length < 1e-3:
        return []
    found = gallery.search((mean / length).astype(np.float32), limit)
    people = people_by_uuid(candidate.person_id for candidate in found)
    return [
        (people[candidate.person_id], candidate.comparison_score)
        for candidate in found
        if candidate.person_id in people
    ]


def embed_anew(engine: FaceEngine) -> int:
    """After a change of the model pack: the kept crops embedded with the one in use. Returns how many."""
    stale = list(UnknownFace.objects.filter(handled_by=None).exclude(contract_id=engine.contract_id))
    if not stale:
        return 0
    crops = [bytes(face.crop) for face in stale]
    vectors = engine.submit(lambda: engine.embed([decode_crop(crop) for crop in crops])).result()
    for face, vector in zip(stale, vectors, strict=True):
        face.embedding, face.contract_id = np.ascontiguousarray(vector, "<f4").tobytes(), engine.contract_id
    UnknownFace.objects.bulk_update(stale, ["embedding", "contract_id"])
    return len(stale)


def enrol_unknown(
    *,
    actor: Actor | None,
    faces: Sequence[UUID],
    name: str,
    external_id: str | None,
    consent_version: str,
    despite_duplicate: bool = False,
) -> InboxAction:
    """A new person from these faces; the best MAX_SAMPLES become samples.

    Raises what enroll_person raises, InboxRefused.
    """
    with transaction.atomic():
        found = _locked_faces(faces)
        person = enrollment.enroll_person(
            actor=actor,
            name=name,
            external_id=external_id,
            consent_version=consent_version,
            samples=_drafts(found[:MAX_SAMPLES]),
            despite_duplicate=despite_duplicate,
        )
        samples = list(person.samples.order_by("pk"))
        return _handle(actor, InboxAction.Kind.ENROL, found, person, samples)


def assign_unknown(
    *, actor: Actor | None, faces: Sequence[UUID], person: Person, despite_duplicate: bool = False
) -> InboxAction:
    """Add these faces to somebody enrolled, as many as there is room for: no older sample goes, so undoing is exact.

    Raises what add_samples raises, InboxRefused.
    """
    with transaction.atomic():
        found = _locked_faces(faces)
        person = enrollment.lock_person(person)  # nobody takes the room that is counted here
        room = MAX_SAMPLES - person.samples.filter(set_aside=False).count()
        if room < 1:
            raise InboxRefused(
                f"This person has {MAX_SAMPLES} samples already, as many as are kept. Remove some of them first."
            )
        samples = enrollment.add_samples(
            actor=actor, person=person, samples=_drafts(found[:room]), despite_duplicate=despite_duplicate
        )
        return _handle(actor, InboxAction.Kind.ASSIGN, found, person, samples)


def dismiss_unknown(*, actor: Actor | None, faces: Sequence[UUID]) -> InboxAction:
    """Out of the inbox; until the policy's days are over it can be undone. Raises InboxRefused."""
    with transaction.atomic():
        return _handle(actor, InboxAction.Kind.DISMISS, _locked_faces(faces), None, ())


def delete_unknown(*, actor: Actor | None, faces: Sequence[UUID]) -> int:
    """Erase at once and for good, the small pictures in the history included. Returns how many faces."""
    with transaction.atomic():
        found = UnknownFace.objects.filter(uuid__in=faces, handled_by=None)
        attempts = list(found.values_list("attempt", flat=True))
        VerificationAttempt.objects.filter(pk__in=attempts).update(thumbnail=b"")
        gone = found.delete()[0]
    logger.info("event=unknowns_deleted faces=%d actor=%s", gone, actor_id(actor))
    return gone


def forget_unknown(people: Sequence[Person]) -> int:
    """Erase the faces that match one of these people: seen before they were enrolled, or dismissed. Returns how many.

    In the embedding space in use, at the policy's match threshold; no model runs. In an erasure's transaction.
    """
    engine = engine_if_ready()
    if engine is None:
        return 0
    own = FaceTemplate.objects.filter(sample__in=erased_samples(people).values("pk"), contract_id=engine.contract_id)
    known = [np.frombuffer(data, "<f4") for data in own.values_list("embedding", flat=True)]
    nobodys = Q(handled_by=None) | Q(handled_by__kind=InboxAction.Kind.DISMISS)
    faces = list(UnknownFace.objects.filter(nobodys, contract_id=engine.contract_id).defer("crop"))
    if not known or not faces:
        return 0
    best = (np.stack([_vector(face) for face in faces]) @ np.stack(known).T).max(axis=1)
    alike = [face for face, score in zip(faces, best, strict=True) if score >= current_policy(engine).match_threshold]
    VerificationAttempt.objects.filter(pk__in=[face.attempt_id for face in alike]).update(thumbnail=b"")
    return UnknownFace.objects.filter(pk__in=[face.pk for face in alike]).delete()[0]


def undo_inbox_action(*, actor: Actor | None, action: InboxAction) -> int:
    """The faces are back in the inbox and the samples gone; a person who was enrolled from them too, if nothing was

    added since. Returns how many faces are back. Raises InboxRefused when it is too late.
    """
    with transaction.atomic():
        locked = InboxAction.objects.select_for_update().filter(pk=action.pk, undone_at=None).first()
        if locked is None:
            raise InboxRefused("This was undone already.")
        faces = UnknownFace.objects.filter(handled_by=locked)
        if not faces.exists():
            raise InboxRefused("These faces are no longer kept. Remove the samples on the person's page instead.")
        person = locked.person
        locked.person, locked.undone_at = None, timezone.now()
        locked.undone_by = actor  # type: ignore[assignment]
        locked.save()
        if person is not None:
            _take_samples_back(actor, locked, person)
        back = faces.update(handled_by=None)  # last: an erasure takes along what waits and matches
    logger.info("event=unknowns_undone kind=%s faces=%d actor=%s", locked.kind, back, actor_id(actor))
    return back


def undoable_actions(limit: int = 10) -> list[InboxAction]:
    """Newest first: those whose faces are still kept."""
    actions = InboxAction.objects.filter(undone_at=None, faces__isnull=False).distinct()
    return list(actions.select_related("person", "actor").order_by("-pk")[:limit])


def _take_samples_back(actor: Actor | None, action: InboxAction, person: Person) -> None:
    added = [UUID(uuid) for uuid in action.samples]
    if action.kind == InboxAction.Kind.ENROL and not person.samples.exclude(uuid__in=added).exists():
        enrollment.erase_people(actor=actor, people=[person])
        return
    for sample in FaceSample.objects.filter(uuid__in=added):  # a merge may have brought them to somebody else
        enrollment.remove_sample(actor=actor, sample=sample)


def _handle(
    actor: Actor | None,
    kind: InboxAction.Kind,
    faces: Sequence[UnknownFace],
    person: Person | None,
    samples: Sequence[FaceSample],
) -> InboxAction:
    action = InboxAction.objects.create(
        kind=kind,
        person=person,
        samples=[str(sample.uuid) for sample in samples],
        face_count=len(faces),
        actor=actor,  # type: ignore[misc]
    )
    UnknownFace.objects.filter(pk__in=[face.pk for face in faces]).update(handled_by=action)
    logger.info("event=unknowns_handled kind=%s faces=%d actor=%s", kind.value, len(faces), actor_id(actor))
    return action


def _locked_faces(uuids: Sequence[UUID]) -> list[UnknownFace]:
    """Best quality first. Raises InboxRefused unless all of them are still in the inbox."""
    found = list(UnknownFace.objects.select_for_update().filter(uuid__in=uuids, handled_by=None).order_by("pk"))
    if not uuids:
        raise InboxRefused("Tick at least one face.")
    if len(found) != len(set(uuids)):
        raise InboxRefused("Some of these faces are no longer in the inbox. Look at it again.")
    return sorted(found, key=lambda face: -face.quality_score)


def _drafts(faces: Sequence[UnknownFace]) -> list[SampleDraft]:
    return [_draft(face) for face in faces]


def _draft(face: UnknownFace) -> SampleDraft:
    quality = quality_from_json(face.quality)
    return SampleDraft(
        aligned=decode_crop(bytes(face.crop)),
        embedding=_vector(face),
        contract_id=face.contract_id,
        quality=quality,
        source=FaceSample.Source.LIVE,
        pose=pose_bucket(quality.pose.yaw),
    )


def _cluster(faces: Sequence[UnknownFace]) -> Cluster:
    seen = [face.kept_at for face in faces]
    return Cluster(tuple(sorted(faces, key=lambda face: -face.quality_score)), min(seen), max(seen))


def _vector(face: UnknownFace) -> Vector:
    return np.frombuffer(face.embedding, "<f4")
