"""The equal other way: a PIN or badge number (the person's external ID), typed on a kiosk instead of showing a face."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from attendance.models import AttendancePolicy, Kiosk, KioskActor, Punch
from attendance.punches.services import (
    current_attendance_policy,
    keep_punch,
    last_punch_of,
    next_direction,
    within_cooldown,
)
from enrollment.errors import PersonUnknown
from enrollment.models import Person, searched_on
from enrollment.services import lock_person
from security.actors import Actor
from security.allowing import NotAllowed
from security.events import log_event
from security.rights import Right
from security.sign_in import limits

logger = logging.getLogger("facesite.attendance")

OLDEST: Final = timedelta(days=1)
"""How late a number may come that a kiosk kept while it had no network."""
WRONG_NUMBERS: Final = limits.BackOff(10, timedelta(seconds=5), timedelta(minutes=1))
"""Of one kiosk, whoever types them: one that is right forgives none, or whoever knows one could guess without end."""


class NumberRefused(Exception):
    """Nothing was written."""

    code: ClassVar[str] = "number_refused"
    is_final: ClassVar[bool] = True
    """Whether sending it again later leads nowhere."""


class NumberUnknown(NumberRefused):
    code = "number_unknown"


class NumberTooOld(NumberRefused):
    code = "number_too_old"


class TooManyNumbers(NumberRefused):
    code = "too_many_tries"
    is_final = False

    def __init__(self, wait: timedelta) -> None:
        super().__init__()
        self.seconds = max(1, math.ceil(wait.total_seconds()))


@dataclass(frozen=True, slots=True)
class Entered:
    """Whose number it was. punch: None where the kiosk only greets, or it was too soon after the last one."""

    person: Person
    punch: Punch | None
    at: datetime


def enter_number(*, actor: Actor | None, key: UUID, number: str, at: datetime) -> Entered:
    """What a number typed on a kiosk leads to. key: the event's own; what is sent again is written once.

    at: when it was typed. Raises NotAllowed for whoever is no kiosk; NumberUnknown, NumberTooOld, TooManyNumbers.
    """
    kiosk = _kiosk_of(actor)
    if done := Punch.objects.select_related("person").filter(key=key).first():
        return Entered(done.person, done, done.at)
    if timezone.now() - at > OLDEST:
        raise NumberTooOld
    trial = limits.trial_of_thing("kiosk number", str(kiosk.uuid), WRONG_NUMBERS)
    if wait := limits.wait_for(trial):
        raise TooManyNumbers(wait)
    person = _person_of(number)
    if person is None:
        failures = limits.count_failure(trial)
        log_event(logger, "number_unknown", level=logging.WARNING, kiosk=str(kiosk.uuid), failures=failures)
        raise NumberUnknown
    punch = _punch(actor, person, key, at) if kiosk.mode == Kiosk.Mode.CHECK else None
    log_event(logger, "number_entered", kiosk=str(kiosk.uuid), punch=str(punch.uuid) if punch else None)
    return Entered(person, punch, at)


def _kiosk_of(actor: Actor | None) -> Kiosk:
    """The kiosk at work. No operator, key or command stands at a door. Raises NotAllowed."""
    if isinstance(actor, KioskActor):
        kiosk = Kiosk.objects.filter(pk=actor.kiosk_id, revoked_at=None, token_digest__isnull=False).first()
        if kiosk:
            return kiosk
    raise NotAllowed(Right.USE_KIOSK)


def _person_of(number: str) -> Person | None:
    """Whoever may come in today with exactly this number: a database may take a for A, or é for e."""
    found = Person.objects.filter(searched_on(timezone.localdate()), external_id=number)
    return next((person for person in found if person.external_id == number), None)


def _came_since(person: Person, at: datetime, policy: AttendancePolicy) -> bool:
    """Whether this number comes late, and the person was seen within the cooldown after it was typed."""
    soon = at + timedelta(minutes=policy.cooldown_minutes)
    return Punch.objects.filter(person=person, voided_at=None, at__gt=at, at__lt=soon).exists()


def _punch(actor: Actor | None, person: Person, key: UUID, at: datetime) -> Punch | None:
    policy = current_attendance_policy()
    try:
        with transaction.atomic():
            lock_person(person)
            last = last_punch_of(person, at)
            if within_cooldown(last, at, policy) or _came_since(person, at, policy):
                return None
            punch = Punch(person=person, direction=next_direction(last, at), way=Punch.Way.BADGE, at=at, key=key)
            punch.entered_by = actor  # type: ignore[assignment]  # AUTH_USER_MODEL is whatever the login was
            return keep_punch(punch)
    except PersonUnknown:  # erased meanwhile
        raise NumberUnknown from None
    except IntegrityError:  # the same event came twice at the same time
        return Punch.objects.get(key=key)
