"""The writes of the history and its policy; review/unknowns.py also empties thumbnails. No model runs in here."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import transaction
from django.db.models import Q, QuerySet

from enrollment.models import Person
from recognizer.images import encode_thumbnail
from recognizer.tracking.tracks import Decision
from recognizer.types import Verdict
from security.actors import actor_id
from security.allowing import require
from security.audit.actions import Action
from security.audit.recording import record
from security.events import log_event
from security.happenings import happened
from security.meters import count_decision
from security.rights import Right
from security.statements import locked_rows
from security.traces import leave_no_traces
from verification.happenings import ATTEMPT_DECIDED, facts_of
from verification.models import FalseMatch, UnknownFace, VerificationAttempt, VerificationPolicy
from verification.policy import Grounds, SiteThreshold, current_policy, policy_facts, saved_policy
from verification.review.unknowns import forget_unknown, keep_unknown
from verification.sealed import erase_thumbnails, save_with_picture
from verification.sightings import note_seen

__all__ = ["attempt_from", "current_policy", "forget_people", "record_attempt", "reuse_policy", "save_policy"]

logger = logging.getLogger("facesite.verification")
MOST_NAMED = 100
"""Attempts whose uuids an audit row holds."""


def record_attempt(
    *,
    operator: AbstractBaseUser | None,
    mode: str,
    source: str,
    decision: Decision,
    claimed: str | None,
    grounds: Grounds,
) -> VerificationAttempt:
    """Keep one decision with the face it was about. claimed: uuid of the claimed person; operator None: a command.

    Only a match names a person. Somebody erased since the decision leaves neither link nor thumbnail. An unknown face
    also goes into the inbox where the policy says so. Nobody typed any of it in: fields are not checked one by one.
    Raises ValueError for a decision that is none yet.
    """
    require(operator, Right.VERIFY, Right.USE_KIOSK)
    matched = decision.person_id if decision.verdict == Verdict.MATCH else None
    nearest = nearest_of(decision)
    thumbnail = encode_thumbnail(decision.best.aligned)
    with transaction.atomic():
        people = _locked_people({claimed, matched, nearest} - {None})
        attempt = attempt_from(
            decision,
            operator=operator,
            mode=mode,
            source=source,
            claimed=claimed,
            grounds=grounds,
            people=people,
        )
        if nearest and nearest in people:
            attempt.nearest_person = people[nearest]
        erased = any(uuid is not None and uuid not in people for uuid in (claimed, matched, nearest))
        save_with_picture(attempt, b"" if erased else thumbnail)
        note_seen(attempt)
        keep_unknown(attempt, decision)
        happened(ATTEMPT_DECIDED, [attempt.uuid], facts_of(attempt))
    count_decision(attempt.verdict, attempt.mode, attempt.source, attempt.reasons)
    log_event(logger, "attempt", **_log_data(attempt))
    return attempt


def nearest_of(decision: Decision) -> str | None:
    """uuid of the person whom the face resembles where the verdict leaves open, or hides, who it was.

    A doubtful face, and an attack with somebody's picture, show that person: their erasure must find the attempt.
    """
    if decision.verdict not in (Verdict.UNCERTAIN, Verdict.ATTACK):
        return None
    fused = decision.conclusion.comparison
    score = fused.comparison_score
    return fused.person_id if score is not None and score >= decision.policy.uncertain_threshold else None


def attempt_from(
    decision: Decision,
    *,
    operator: AbstractBaseUser | None,
    mode: str,
    source: str,
    claimed: str | None,
    grounds: Grounds,
    people: Mapping[str, Person],
) -> VerificationAttempt:
    """An attempt that is not saved, without a thumbnail. people: uuid as text -> person, of at least those involved.

    Raises ValueError for a decision that is none yet.
    """
    matched = decision.person_id if decision.verdict == Verdict.MATCH else None
    named = {"claimed_person": claimed, "matched_person": matched}
    return VerificationAttempt(
        mode=mode,
        source=source,
        **{role: people[uuid] for role, uuid in named.items() if uuid and uuid in people},
        verdict=VerificationAttempt.Verdict(decision.verdict.value),  # a decision that is none yet is refused
        comparison_score=decision.comparison.comparison_score,
        runner_up=decision.comparison.runner_up,
        match_threshold=decision.match_threshold,
        fmr=decision.policy.fmr,
        liveness_verdict=decision.liveness.verdict.value,
        liveness_score=decision.liveness.score,
        quality_score=decision.best.quality.score,
        frames_agreed=decision.conclusion.agreed,
        frames_seen=decision.conclusion.seen,
        reasons=list(decision.comparison.reasons),
        operator=operator,  # type: ignore[misc]  # AUTH_USER_MODEL is whatever the login was
        contract_id=grounds.contract_id,
        gallery_revision=grounds.gallery_revision,
        policy_id=grounds.policy_id,
    )


def save_policy(
    *, actor: AbstractBaseUser | None, fmr: str, liveness: str, site_threshold: SiteThreshold | None = None
) -> VerificationPolicy:
    """A new row, so that the history stays; open live pages follow within seconds.

    fmr: one of VerificationPolicy.FalseMatchRate. site_threshold: instead of the pack's own. Raises ValidationError.
    """
    require(actor, Right.SET_POLICY)
    policy = VerificationPolicy(fmr=fmr, liveness=liveness, saved_by=actor)  # type: ignore[misc]
    if site_threshold:
        policy.match_threshold, policy.contract_id = site_threshold.match_threshold, site_threshold.contract_id
        policy.evidence = dict(site_threshold.evidence)
    policy.full_clean(exclude={"saved_by"})
    with transaction.atomic():
        before = saved_policy()
        policy.save(force_insert=True)
        settings = {"before": policy_facts(before) if before else {}, "after": policy_facts(policy)}
        record(Action.POLICY_SAVED, actor=actor, target=policy.pk, **settings)
    threshold = policy.match_threshold
    log_event(logger, "policy", fmr=fmr, liveness=liveness, match_threshold=threshold, actor=actor_id(actor))
    return policy


def reuse_policy(*, actor: AbstractBaseUser | None, policy: VerificationPolicy) -> VerificationPolicy:
    """An earlier policy once more, with its site threshold and what that was measured on; again a new row."""
    site = None
    if policy.match_threshold is not None:
        site = SiteThreshold(policy.match_threshold, policy.contract_id, policy.evidence)
    return save_policy(actor=actor, fmr=policy.fmr, liveness=policy.liveness, site_threshold=site)


def forget_people(people: Sequence[Person]) -> dict[str, int]:
    """Erase these people's faces and links from the history; the verdicts stay. Runs in the erasure's transaction.

    Returns how many of each were erased or emptied, for the receipt; what goes with the person afterwards counts too.
    """
    primary_keys = [person.pk for person in people]
    own_faces = UnknownFace.objects.filter(handled_by__person__in=primary_keys)
    counts = {
        "unknown_faces": own_faces.count() + forget_unknown(people),
        "false_matches": FalseMatch.objects.filter(
            Q(person__in=primary_keys) | Q(other_person__in=primary_keys)
        ).count(),
    }
    attempts = VerificationAttempt.objects.filter(
        Q(matched_person__in=primary_keys) | Q(claimed_person__in=primary_keys) | Q(nearest_person__in=primary_keys)
    )
    counts["attempts"] = attempts.count()
    pictures = erase_thumbnails(attempts)
    # Faces that an operator said were theirs. (The records themselves go with the person.)
    told = FalseMatch.objects.filter(other_person__in=primary_keys).values_list("attempt", flat=True)
    inbox = own_faces.values_list("attempt", flat=True)
    pictures += erase_thumbnails(VerificationAttempt.objects.filter(pk__in=[*told, *inbox]))
    VerificationAttempt.objects.filter(matched_person__in=primary_keys).update(matched_person=None)
    VerificationAttempt.objects.filter(claimed_person__in=primary_keys).update(claimed_person=None)
    VerificationAttempt.objects.filter(nearest_person__in=primary_keys).update(nearest_person=None)
    return counts | {"attempt_pictures": pictures}


def erase_pictures(*, actor: AbstractBaseUser | AnonymousUser | None, attempts: QuerySet[VerificationAttempt]) -> int:
    """Erase the faces of these attempts, of strangers too; the verdicts stay. Returns how many had one."""
    require(actor, Right.ERASE)
    with transaction.atomic():
        found = attempts.exclude(thumbnail=b"")
        some = [str(uuid) for uuid in found.values_list("uuid", flat=True)[:MOST_NAMED]]
        erased = erase_thumbnails(attempts)
        if erased:
            leave_no_traces()
            record(Action.PICTURES_ERASED, actor=actor, attempts=erased, which=some)
    log_event(logger, "pictures_erased", attempts=erased, actor=actor_id(actor))
    return erased


def erase_old_pictures(*, attempts: Collection[int]) -> int:
    """One batch of retention: erase the faces of these attempts (primary keys). Returns how many had one.

    The caller leaves no traces (security.traces) once it has come to its end.
    """
    with transaction.atomic():
        return erase_thumbnails(VerificationAttempt.objects.filter(pk__in=attempts))


def _locked_people(uuids: set[str | None]) -> dict[str, Person]:
    """uuid as text -> person. Locked, so that an erasure comes wholly before or wholly after this attempt."""
    if not uuids:
        return {}
    return {str(person.uuid): person for person in locked_rows(Person, "uuid", [UUID(uuid) for uuid in uuids if uuid])}


def _log_data(attempt: VerificationAttempt) -> dict[str, Any]:
    """Ids and numbers; no names."""
    return {
        "attempt": str(attempt.uuid),
        "mode": attempt.mode,
        "source": attempt.source,
        "verdict": attempt.verdict,
        "operator": attempt.operator_id,
        "frames_agreed": attempt.frames_agreed,
        "frames_seen": attempt.frames_seen,
    }
