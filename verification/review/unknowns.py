"""The inbox of unknown faces. Operators enrol them, assign them to a person, dismiss them or delete them.

It is off unless staff turn it on. A kept face is erased after the policy's days, and at once when the policy is turned
off. Erasing a person also erases the faces that were enrolled as or assigned to that person, and those that match.
Infer first: no model runs in here, except in embed_anew() after a change of the model pack.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from enrollment import services as enrollment
from enrollment.consent.records import Consent
from enrollment.models import FaceSample, FaceTemplate, Person
from enrollment.runtime.engine import engine_if_ready
from enrollment.samples.drafts import SampleDraft, pose_bucket, quality_from_json, quality_to_json
from enrollment.samples.storing import MAX_SAMPLES
from enrollment.sealed import read_vectors
from enrollment.selectors import erased_samples, people_by_uuid
from recognizer.engine import FaceEngine
from recognizer.images import decode_crop, encode_crop
from recognizer.search.clustering import cluster_embeddings
from recognizer.search.galleries import Gallery
from recognizer.tracking.tracks import Decision
from recognizer.types import LivenessVerdict, Vector, Verdict
from security.actors import Actor, actor_id
from security.allowing import require
from security.audit.actions import Action
from security.audit.recording import record
from security.encryption.data_keys import key_for
from security.events import log_event
from security.models import Approval
from security.rights import Right
from security.roles.second_person import ask, is_open
from security.source import COMMAND, PRODUCT, coming_from, current_source
from security.traces import leave_no_traces
from verification.models import InboxAction, UnknownFace, UnknownKey, UnknownPolicy, VerificationAttempt
from verification.policy import current_policy
from verification.sealed import (
    erase_thumbnails,
    read_unknown_crops,
    read_unknown_vectors,
    save_unknown,
    seal_unknown_embedding,
)

logger = logging.getLogger("facesite.verification")

MOST_KEPT = 2_000
"""Faces kept at most; the oldest go first. So many can be clustered while an operator waits for the page."""


_HANDLED = {
    InboxAction.Kind.ENROL: Action.UNKNOWN_ENROLLED,
    InboxAction.Kind.ASSIGN: Action.UNKNOWN_ASSIGNED,
    InboxAction.Kind.DISMISS: Action.UNKNOWN_DISMISSED,
}
SEARCHED = "inbox:unknown"
"""What is unlocked: there is one inbox."""


class InboxRefused(Exception):
    """Nothing was done. str() is a sentence for the operator."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Unknown faces that are probably one person."""

    faces: tuple[UnknownFace, ...]
    """Best quality first; their crops are not loaded."""
    first_seen: datetime
    last_seen: datetime

    @property
    def key(self) -> UUID:
        """uuid of the earliest face. It stays the same while more faces join the cluster."""
        return min(self.faces, key=lambda face: face.pk).uuid

    @property
    def uuids(self) -> str:
        """uuids of all its faces in hexadecimal, with blanks between them: for a form field."""
        return " ".join(face.uuid.hex for face in self.faces)


def current_unknown_policy() -> UnknownPolicy:
    """The policy saved last; without one the default, which is not saved and keeps nothing."""
    return UnknownPolicy.objects.order_by("-pk").first() or UnknownPolicy()


def save_unknown_policy(*, actor: Actor | None, keep: bool, days: int) -> UnknownPolicy:
    """Save a policy as a new row. Raises ValidationError.

    keep off: every kept face is erased at once, also those handled. keep on: those older than `days` are.
    """
    require(actor, Right.SET_RETENTION)
    policy = UnknownPolicy(keep=keep, days=days, saved_by=actor)  # type: ignore[misc]
    policy.full_clean(exclude={"saved_by"})
    with transaction.atomic():
        before = current_unknown_policy()
        policy.save(force_insert=True)
        gone = _purge()  # by the policy just saved: everything, when it is off
        settings = {"before": _settings(before), "after": _settings(policy)}
        record(Action.UNKNOWN_POLICY_SAVED, actor=actor, target=policy.pk, **settings, faces_erased=gone)
    log_event(logger, "unknown_policy", keep=keep, days=days, erased=gone, actor=actor_id(actor))
    return policy


def save_unknown_days(actor: Actor | None, days: int) -> None:
    """Other days, as the retention page sets them; whether faces are kept at all stays as it is."""
    save_unknown_policy(actor=actor, keep=current_unknown_policy().keep, days=days)


def expired_faces(now: datetime, days: int) -> QuerySet[UnknownFace]:
    """The faces that are older than so many days; all of them while none may be kept."""
    if not current_unknown_policy().keep:
        return UnknownFace.objects.all()
    return UnknownFace.objects.filter(kept_at__lt=now - timedelta(days=days))


def purge_unknowns() -> int:
    """Erase the faces that are older than the policy's days; all of them while it is off. Returns how many."""
    with transaction.atomic():
        gone = _purge()
        _record_purge(gone)
    return gone


def _settings(policy: UnknownPolicy) -> dict[str, Any]:
    return {"keep": policy.keep, "days": policy.days}


def _record_purge(gone: int) -> None:
    """Nobody asked for it: their time was over. Last in its transaction, as every audit row."""
    if gone:
        with coming_from(current_source() if current_source().startswith(COMMAND) else PRODUCT):
            record(Action.UNKNOWN_PURGED, actor=None, faces=gone)


def _purge() -> int:
    gone = _erase(expired_faces(timezone.now(), current_unknown_policy().days))
    if gone:
        leave_no_traces()
        log_event(logger, "unknowns_purged", faces=gone)
    return gone


def is_worth_keeping(attempt: VerificationAttempt, decision: Decision) -> bool:
    """Whether this was a good look at a live face, which a search before a camera did not find."""
    return (
        attempt.before_a_camera
        and attempt.mode == VerificationAttempt.Mode.IDENTIFY
        and decision.verdict == Verdict.NON_MATCH
        and decision.liveness.verdict != LivenessVerdict.ATTACK
        and decision.best.good
    )


def keep_unknown(attempt: VerificationAttempt, decision: Decision) -> UnknownFace | None:
    """Keep the decision's face. Call it in the transaction that records the attempt.

    None: the face is not worth keeping, or the policy is off.
    """
    if not is_worth_keeping(attempt, decision) or not current_unknown_policy().keep:
        return None
    gone = _purge()
    face = UnknownFace(
        attempt=attempt,
        kept_at=attempt.created_at,
        quality=quality_to_json(decision.best.quality),
        quality_score=float(decision.best.quality.score),
        contract_id=attempt.contract_id,
    )
    save_unknown(face, embedding=decision.best.embedding, crop=encode_crop(decision.best.aligned))
    surplus = UnknownFace.objects.order_by("-pk").values_list("pk", flat=True)[MOST_KEPT:]
    too_many = _erase(UnknownFace.objects.filter(pk__in=list(surplus)))
    if too_many:
        leave_no_traces()
    _record_purge(gone + too_many)
    return face


def pending_faces() -> QuerySet[UnknownFace]:
    """The faces in the inbox, oldest first, with their attempts; crops and thumbnails are not loaded."""
    return UnknownFace.objects.filter(handled_by=None).select_related("attempt").defer("crop", "attempt__thumbnail")


def find_clusters(contract_id: str, threshold: float) -> list[Cluster]:
    """The inbox in clusters, the largest first. Faces of another embedding space are left out: embed_anew() first.

    threshold: mean cosine from which faces are probably one person.
    """
    faces = list(pending_faces().filter(contract_id=contract_id).order_by("pk"))
    vectors = read_unknown_vectors(faces)
    faces = [face for face in faces if face.pk in vectors]
    if not faces:
        return []
    groups = cluster_embeddings(np.stack([vectors[face.pk] for face in faces]), threshold)
    return [_cluster([faces[row] for row in rows]) for rows in groups]


def clusters_for(*, actor: Actor | None, contract_id: str, threshold: float) -> list[Cluster]:
    """The inbox as this operator may see it: in clusters while the search is open, else each face by itself.

    To group strangers is to search for them over days; that takes two operators. Raises NotAllowed.
    """
    require(actor, Right.REVIEW_UNKNOWN)
    if may_search(actor):
        return find_clusters(contract_id, threshold)
    faces = pending_faces().filter(contract_id=contract_id).order_by("-pk")
    return [_cluster([face]) for face in faces]


def nearest_for(*, actor: Actor | None, faces: Sequence[UnknownFace], gallery: Gallery) -> list[tuple[Person, float]]:
    """nearest_people() while the search is open, else nobody. Raises NotAllowed."""
    require(actor, Right.REVIEW_UNKNOWN)
    return nearest_people(faces, gallery) if may_search(actor) else []


def may_search(actor: Actor | None) -> bool:
    """Whether faces may be compared now: two operators agreed within the hour, or a command on the server asks."""
    return actor is None or is_open(Approval.Action.SEARCH_UNKNOWN)


def ask_to_search(*, actor: Actor) -> None:
    """Ask for the second operator who opens the search. Raises NotAllowed."""
    ask(actor=actor, action=Approval.Action.SEARCH_UNKNOWN, target=SEARCHED)


def nearest_people(faces: Sequence[UnknownFace], gallery: Gallery, limit: int = 5) -> list[tuple[Person, float]]:
    """The people who resemble the mean of these faces most, with comparison scores, best first. A hint, no decision.

    Empty when the gallery is of another embedding space.
    """
    vectors = list(read_unknown_vectors(faces).values())
    mean = np.mean(vectors or [np.zeros(gallery.dimension, np.float32)], axis=0)
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
    """After a change of the model pack: embed the faces in the inbox with the engine's pack. Returns how many."""
    stale = list(UnknownFace.objects.filter(handled_by=None).exclude(contract_id=engine.contract_id))
    if not stale:
        return 0
    crops = read_unknown_crops(stale)
    readable = [face for face in stale if face.pk in crops]
    vectors = engine.submit(lambda: engine.embed([decode_crop(crops[face.pk]) for face in readable])).result()
    with transaction.atomic():
        still = set(UnknownFace.objects.select_for_update().filter(pk__in=crops).values_list("pk", flat=True))
        for face, vector in zip(readable, vectors, strict=True):
            if face.pk in still:
                key = key_for(UnknownKey, face=face)
                face.embedding = seal_unknown_embedding(face, vector, engine.contract_id, key)
                face.contract_id = engine.contract_id
        UnknownFace.objects.bulk_update([face for face in readable if face.pk in still], ["embedding", "contract_id"])
    return len(readable)


def enrol_unknown(
    *,
    actor: Actor | None,
    faces: Sequence[UUID],
    name: str,
    external_id: str | None,
    consent: Consent,
    despite_duplicate: bool = False,
) -> InboxAction:
    """Enrol a new person from these faces; the MAX_SAMPLES best become samples.

    Raises InboxRefused and what enroll_person() raises.
    """
    require(actor, Right.REVIEW_UNKNOWN)
    with transaction.atomic():
        found = _locked_faces(faces)
        saved = enrollment.enroll_person(
            actor=actor,
            name=name,
            external_id=external_id,
            consent=consent,
            samples=_drafts(found[:MAX_SAMPLES]),
            despite_duplicate=despite_duplicate,
        )
        return _handle(actor, InboxAction.Kind.ENROL, found, saved.person, saved.samples)


def assign_unknown(
    *, actor: Actor | None, faces: Sequence[UUID], person: Person, despite_duplicate: bool = False
) -> InboxAction:
    """Add these faces to an enrolled person, as many as there is room for: no older sample goes, so undoing is exact.

    Raises InboxRefused and what add_samples() raises.
    """
    require(actor, Right.REVIEW_UNKNOWN)
    with transaction.atomic():
        found = _locked_faces(faces)
        person = enrollment.lock_person(person)  # nobody takes the room that is counted here
        room = MAX_SAMPLES - person.samples.filter(set_aside=False).count()
        if room < 1:
            said = _("This person has {count} samples already, as many as are kept. Remove some of them first.")
            raise InboxRefused(said.format(count=MAX_SAMPLES))
        saved = enrollment.add_samples(
            actor=actor, person=person, samples=_drafts(found[:room]), despite_duplicate=despite_duplicate
        )
        return _handle(actor, InboxAction.Kind.ASSIGN, found, saved.person, saved.samples)


def dismiss_unknown(*, actor: Actor | None, faces: Sequence[UUID]) -> InboxAction:
    """Take these faces out of the inbox. It can be undone until the policy's days are over. Raises InboxRefused."""
    require(actor, Right.REVIEW_UNKNOWN)
    with transaction.atomic():
        return _handle(actor, InboxAction.Kind.DISMISS, _locked_faces(faces), None, ())


def delete_unknown(*, actor: Actor | None, faces: Sequence[UUID]) -> int:
    """Erase these faces at once and for good, with their small pictures in the history. Returns how many faces.

    Faces that are no longer in the inbox are passed over.
    """
    require(actor, Right.REVIEW_UNKNOWN)
    with transaction.atomic():
        found = UnknownFace.objects.filter(uuid__in=faces, handled_by=None)
        attempts = list(found.values_list("attempt", flat=True))
        erase_thumbnails(VerificationAttempt.objects.filter(pk__in=attempts))
        gone = _erase(found)
        leave_no_traces()
        if gone:
            record(Action.UNKNOWN_DELETED, actor=actor, faces=gone)
    log_event(logger, "unknowns_deleted", faces=gone, actor=actor_id(actor))
    return gone


def forget_unknown(people: Sequence[Person]) -> int:
    """Erase the faces, in the inbox or dismissed, that match one of these people. Returns how many.

    Call it in the transaction that erases the people. It compares stored embeddings in the embedding space in use, at
    the policy's match threshold; no model runs. While no engine runs, nothing is compared and nothing is erased.
    """
    engine = engine_if_ready()
    if engine is None:
        return 0
    own = FaceTemplate.objects.filter(sample__in=erased_samples(people).values("pk"), contract_id=engine.contract_id)
    known = list(read_vectors(own.values_list("sample_id", "embedding"), engine.contract_id).values())
    nobodys = Q(handled_by=None) | Q(handled_by__kind=InboxAction.Kind.DISMISS)
    found = list(UnknownFace.objects.filter(nobodys, contract_id=engine.contract_id).defer("crop"))
    vectors = read_unknown_vectors(found)
    faces = [face for face in found if face.pk in vectors]
    if not known or not faces:
        return 0
    best = (np.stack([vectors[face.pk] for face in faces]) @ np.stack(known).T).max(axis=1)
    alike = [face for face, score in zip(faces, best, strict=True) if score >= current_policy(engine).match_threshold]
    erase_thumbnails(VerificationAttempt.objects.filter(pk__in=[face.attempt_id for face in alike]))
    return _erase(UnknownFace.objects.filter(pk__in=[face.pk for face in alike]))


def undo_inbox_action(*, actor: Actor | None, action: InboxAction) -> int:
    """Put the faces back into the inbox and remove the samples made of them. Returns how many faces are back.

    A person who was enrolled from them is erased too, unless other samples were added since. Raises InboxRefused when
    the action was undone already or its faces are no longer kept, SampleUnknown when a sample is removed meanwhile.
    """
    require(actor, Right.REVIEW_UNKNOWN)
    with transaction.atomic():
        locked = InboxAction.objects.select_for_update().filter(pk=action.pk, undone_at=None).first()
        if locked is None:
            raise InboxRefused(_("This was undone already."))
        faces = UnknownFace.objects.filter(handled_by=locked)
        if not faces.exists():
            raise InboxRefused(_("These faces are no longer kept. Remove the samples on the person's page instead."))
        person = locked.person and Person.objects.select_for_update().filter(pk=locked.person.pk).first()
        locked.person, locked.undone_at = None, timezone.now()
        locked.undone_by = actor  # type: ignore[assignment]
        locked.save()
        if person is not None:
            _take_samples_back(actor, locked, person)
        back = faces.update(handled_by=None)  # last: erasing the person erases what is in the inbox and matches
        record(Action.UNKNOWN_UNDONE, actor=actor, target=locked.uuid, kind=locked.kind, faces=back)
    log_event(logger, "unknowns_undone", kind=locked.kind, faces=back, actor=actor_id(actor))
    return back


def undoable_actions(limit: int = 10) -> list[InboxAction]:
    """The actions that can still be undone, as their faces are still kept; newest first."""
    actions = InboxAction.objects.filter(undone_at=None, faces__isnull=False).distinct()
    return list(actions.select_related("person", "actor").order_by("-pk")[:limit])


def _take_samples_back(actor: Actor | None, action: InboxAction, person: Person) -> None:
    """Remove the samples that the action added; the whole person if the action made it and nothing else was added."""
    added = [UUID(uuid) for uuid in action.samples]
    if action.kind == InboxAction.Kind.ENROL and not person.samples.exclude(uuid__in=added).exists():
        enrollment.erase_records(actor, [person])
        return
    for sample in FaceSample.objects.filter(uuid__in=added):  # a merge may have brought them to somebody else
        enrollment.drop_sample(actor, sample)


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
    about = {"faces": len(faces), "person": str(person.uuid) if person else None}
    record(_HANDLED[kind], actor=actor, target=action.uuid, **about)
    log_event(logger, "unknowns_handled", kind=kind.value, faces=len(faces), actor=actor_id(actor))
    return action


def _erase(faces: QuerySet[UnknownFace]) -> int:
    """Erase these faces with their keys. Returns how many faces."""
    return faces.delete()[1].get(UnknownFace._meta.label, 0)


def _locked_faces(uuids: Sequence[UUID]) -> list[UnknownFace]:
    """The faces, locked, best quality first. Raises InboxRefused unless all of them are still in the inbox."""
    found = list(UnknownFace.objects.select_for_update().filter(uuid__in=uuids, handled_by=None).order_by("pk"))
    if not uuids:
        raise InboxRefused(_("Tick at least one face."))
    if len(found) != len(set(uuids)):
        raise InboxRefused(_("Some of these faces are no longer in the inbox. Look at it again."))
    return sorted(found, key=lambda face: -face.quality_score)


def _drafts(faces: Sequence[UnknownFace]) -> list[SampleDraft]:
    """Raises InboxRefused when none of them can be read."""
    crops, vectors = read_unknown_crops(faces), read_unknown_vectors(faces)
    readable = [face for face in faces if face.pk in crops and face.pk in vectors]
    if not readable:
        raise InboxRefused(_("These faces can no longer be read: they were erased after the backup was made."))
    return [_draft(face, crops[face.pk], vectors[face.pk]) for face in readable]


def _draft(face: UnknownFace, crop: bytes, vector: Vector) -> SampleDraft:
    quality = quality_from_json(face.quality)
    return SampleDraft(
        aligned=decode_crop(crop),
        embedding=vector,
        contract_id=face.contract_id,
        quality=quality,
        source=FaceSample.Source.LIVE,
        pose=pose_bucket(quality.pose.yaw),
    )


def _cluster(faces: Sequence[UnknownFace]) -> Cluster:
    seen = [face.kept_at for face in faces]
    return Cluster(tuple(sorted(faces, key=lambda face: -face.quality_score)), min(seen), max(seen))
