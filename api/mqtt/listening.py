"""Happenings become messages once their change is committed; nothing is told of what was undone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction

from api.mqtt.publishing import publisher
from api.mqtt.topics import below, message, messages_of_attempt
from attendance.punches.services import CHECKED_IN, CHECKED_OUT
from security.allowing import is_device
from security.audit.actions import Action
from verification.happenings import ATTEMPT_DECIDED
from verification.models import VerificationAttempt


def tell_broker(what: str, about: Sequence[str], facts: Mapping[str, Any]) -> None:
    """A listener of security/happenings.py."""
    tell = TOLD.get(what)
    if tell and publisher.is_running:
        transaction.on_commit(partial(tell, what, about, facts))


def _tell_attempts(what: str, about: Sequence[str], facts: Mapping[str, Any]) -> None:
    rows = VerificationAttempt.objects.select_related("operator", "matched_person").filter(uuid__in=about)
    for attempt in rows.defer("thumbnail"):
        place = place_of(attempt)
        named = attempt.matched_person if settings.FACESITE_MQTT_NAMES else None
        publisher.announce(place)
        for each in messages_of_attempt(str(attempt.uuid), place, facts, named.name if named else None):
            publisher.put(each)


def _tell_punches(what: str, about: Sequence[str], facts: Mapping[str, Any]) -> None:
    for punch in about:
        publisher.put(message(below(what.replace(".", "/")), {"punch": punch, **facts}))


def _forget(what: str, about: Sequence[str], facts: Mapping[str, Any]) -> None:
    publisher.forget(set(about))


def place_of(attempt: VerificationAttempt) -> str:
    """The kiosk or the account of a device at a door, else the way in which the decision was asked for: "live"."""
    is_kiosk = attempt.source == VerificationAttempt.Source.KIOSK
    if attempt.operator and (is_kiosk or is_device(attempt.operator)):
        return attempt.operator.get_username()
    return str(attempt.source)


TOLD: dict[str, Callable[[str, Sequence[str], Mapping[str, Any]], None]] = {
    ATTEMPT_DECIDED: _tell_attempts,
    CHECKED_IN: _tell_punches,
    CHECKED_OUT: _tell_punches,
    Action.PERSON_ERASED.value: _forget,
}
