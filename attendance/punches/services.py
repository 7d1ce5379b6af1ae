"""The writes of attendance: punches from decisions, punches by hand, corrections, the policy."""

from __future__ import annotations

import logging
from datetime import datetime, time, timedelta
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from attendance.models import AttendancePolicy, Kiosk, Punch
from enrollment.errors import PersonUnknown
from enrollment.models import Person
from enrollment.reasons import sentence_of
from enrollment.services import lock_person
from security.actors import Actor, actor_id
from security.allowing import is_device, require
from security.audit.actions import Action
from security.audit.recording import record
from security.days import day_begins
from security.events import log_event
from security.happenings import happened
from security.rights import Right
from verification.models import VerificationAttempt

logger = logging.getLogger("facesite.attendance")

CHECKED_IN: Final = "attendance.checked_in"
CHECKED_OUT: Final = "attendance.checked_out"
OLDEST: Final = timedelta(days=366)
"""How far back a punch may be entered by hand."""
REASON_LENGTH: Final = 200


def current_attendance_policy() -> AttendancePolicy:
    """The one that was saved last; unsaved defaults where nobody has saved one."""
    return AttendancePolicy.objects.order_by("-pk").first() or AttendancePolicy()


def save_attendance_policy(
    *,
    actor: Actor | None,
    cameras: str,
    cooldown_minutes: int,
    closing: str = AttendancePolicy.Closing.OPEN,
    closing_time: time | None = None,
) -> AttendancePolicy:
    """A new row, in force at once. Raises NotAllowed, ValidationError."""
    require(actor, Right.MANAGE_SITE)
    policy = AttendancePolicy(
        cameras=cameras,
        cooldown_minutes=cooldown_minutes,
        closing=closing,
        closing_time=closing_time if closing == AttendancePolicy.Closing.TIME else None,
        saved_by=actor,  # type: ignore[misc]
    )
    policy.full_clean(exclude={"saved_by"})
    with transaction.atomic():
        before = _facts(current_attendance_policy())
        policy.save(force_insert=True)
        record(Action.ATTENDANCE_POLICY_SAVED, actor=actor, target=policy.pk, before=before, after=_facts(policy))
    return policy


def _facts(policy: AttendancePolicy) -> dict[str, Any]:
    return {
        "cameras": policy.cameras,
        "cooldown_minutes": policy.cooldown_minutes,
        "closing": policy.closing,
        "closing_time": policy.closing_time.isoformat("minutes") if policy.closing_time else None,
    }


def punch_for_decision(attempt: VerificationAttempt, policy: AttendancePolicy) -> Punch | None:
    """The punch that a match of a live page or a kiosk is; None: it is none. Call it in the decision's transaction.

    A kiosk counts when that is its mode, a live page when the policy names it; neither within the cooldown of the
    person's last punch. The person checks out when they checked in earlier the same day, and else in. The history's
    own writer has asked for the right to decide, and has locked the person.
    """
    person = attempt.matched_person
    if person is None or not _counts(policy, attempt):
        return None
    last = last_punch_of(person, attempt.created_at)
    if within_cooldown(last, attempt.created_at, policy):
        return None
    return keep_punch(
        Punch(
            person=person,
            direction=next_direction(last, attempt.created_at),
            way=Punch.Way.FACE,
            at=attempt.created_at,
            attempt=attempt,
        )
    )


def _counts(policy: AttendancePolicy, attempt: VerificationAttempt) -> bool:
    """Whether the camera of this attempt checks people in and out."""
    if attempt.source == VerificationAttempt.Source.KIOSK:
        return Kiosk.objects.filter(account=attempt.operator_id, mode=Kiosk.Mode.CHECK).exists()
    if policy.cameras == AttendancePolicy.Cameras.DOORS:
        return attempt.operator is not None and is_device(attempt.operator)
    return policy.cameras == AttendancePolicy.Cameras.ALL


def last_punch_of(person: Person, at: datetime) -> Punch | None:
    """The newest one up to this moment that was not taken back."""
    return Punch.objects.filter(person=person, voided_at=None, at__lte=at).first()


def within_cooldown(last: Punch | None, at: datetime, policy: AttendancePolicy) -> bool:
    """Whether a look at this moment is too soon after the last punch to be another one."""
    return last is not None and at - last.at < timedelta(minutes=policy.cooldown_minutes)


def next_direction(last: Punch | None, at: datetime) -> str:
    """Whoever forgot to check out yesterday checks in today."""
    begun = last and last.direction == Punch.Direction.IN and last.at >= day_begins(timezone.localdate(at))
    return Punch.Direction.OUT if begun else Punch.Direction.IN


def punch_by_hand(*, actor: Actor | None, person: Person, direction: str, at: datetime, reason: str) -> Punch:
    """What somebody forgot, or did without a camera. Raises NotAllowed, ValidationError."""
    require(actor, Right.CORRECT)
    punch = Punch(
        person=person,
        direction=direction,
        way=Punch.Way.MANUAL,
        at=clean_moment(at),
        reason=clean_reason(reason),
        entered_by=actor,  # type: ignore[misc]
    )
    punch.full_clean(exclude={"person", "entered_by", "voided_by"})
    try:
        with transaction.atomic():
            lock_person(person)
            keep_punch(punch)
            facts = {"person": str(person.uuid), "direction": direction, "moment": punch.at.isoformat()}
            record(Action.PUNCH_ENTERED, actor=actor, target=punch.uuid, **facts)
    except PersonUnknown as error:  # erased meanwhile
        raise ValidationError({"who": sentence_of(error)}) from None
    log_event(logger, "punch_entered", punch=str(punch.uuid), direction=direction, actor=actor_id(actor))
    return punch


def punch_by_rule(*, came: Punch, at: datetime, policy: AttendancePolicy, reason: str) -> Punch:
    """The check-out that somebody forgot. Call it in a transaction that has locked the person."""
    punch = Punch(
        person=came.person,
        direction=Punch.Direction.OUT,
        way=Punch.Way.RULE,
        at=at,
        reason=reason[:REASON_LENGTH],
        policy=policy,
    )
    keep_punch(punch)
    facts = {"person": str(came.person.uuid), "moment": at.isoformat(), "policy": policy.pk}
    record(Action.PUNCH_BY_RULE, actor=None, target=punch.uuid, **facts)
    return punch


def void_punch(*, actor: Actor | None, punch: Punch, reason: str) -> bool:
    """Take a punch back; it stays on record with who and why. False: it was taken back already, or erased."""
    require(actor, Right.CORRECT)
    reason = clean_reason(reason)
    try:
        with transaction.atomic():
            lock_person(punch.person)
            voided = {"voided_at": timezone.now(), "voided_by": actor, "void_reason": reason}
            if not Punch.objects.filter(pk=punch.pk, voided_at=None).update(**voided):
                return False
            Punch.objects.get(pk=punch.pk).pair_again()
            record(Action.PUNCH_VOIDED, actor=actor, target=punch.uuid, person=str(punch.person.uuid))
    except PersonUnknown:
        return False
    log_event(logger, "punch_voided", punch=str(punch.uuid), actor=actor_id(actor))
    return True


def clean_reason(reason: str) -> str:
    """Raises ValidationError."""
    reason = " ".join(reason.split())
    if not reason or len(reason) > REASON_LENGTH or not reason.isprintable():
        raise ValidationError({"reason": _("Say why, in at most 200 characters: it stays on record.")})
    return reason


def clean_moment(at: datetime) -> datetime:
    """Raises ValidationError."""
    now = timezone.now()
    if at > now:
        raise ValidationError({"at": _("This moment has not come yet.")})
    if at < now - OLDEST:
        raise ValidationError({"at": _("This is more than a year ago.")})
    return at


def keep_punch(punch: Punch) -> Punch:
    """Save it and tell other apps: in one transaction, the caller's."""
    punch.save(force_insert=True)
    facts = {
        "person": str(punch.person.uuid),
        "at": punch.at.isoformat(timespec="milliseconds"),
        "way": punch.way,
        "attempt": str(punch.attempt.uuid) if punch.attempt else None,
    }
    happened(CHECKED_IN if punch.direction == Punch.Direction.IN else CHECKED_OUT, [punch.uuid], facts)
    return punch
