"""What a webhook may be told, and what each event says: ids, numbers and codes. Names are read by calls of the API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import gettext_lazy as _

from attendance.punches.services import CHECKED_IN, CHECKED_OUT
from security.audit.actions import Action
from verification.happenings import ATTEMPT_DECIDED

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise


class Event(StrEnum):
    ATTEMPT_DECIDED = "attempt.decided"
    PERSON_ENROLLED = "person.enrolled"
    PERSON_ERASED = "person.erased"
    ATTENDANCE_CHECKED_IN = "attendance.checked_in"
    ATTENDANCE_CHECKED_OUT = "attendance.checked_out"
    ATTACK_DETECTED = "attack.detected"
    TEST = "webhook.test"


EXPLAINED: Final[dict[Event, _StrOrPromise]] = {
    Event.ATTEMPT_DECIDED: _("Each decision that goes into the history: who was recognised, who was not, and why."),
    Event.PERSON_ENROLLED: _("Somebody was enrolled."),
    Event.PERSON_ERASED: _("Somebody was erased: other systems should forget their id too."),
    Event.ATTENDANCE_CHECKED_IN: _("Somebody checked in."),
    Event.ATTENDANCE_CHECKED_OUT: _("Somebody checked out."),
    Event.ATTACK_DETECTED: _("A photograph, a screen or a mask was shown instead of a face."),
}
"""What can be asked for, as pages say it."""


def events_of(what: str, about: str, facts: Mapping[str, Any]) -> Iterator[tuple[Event, dict[str, Any]]]:
    """The events that a happening is, each with its data."""
    if what == ATTEMPT_DECIDED:
        yield Event.ATTEMPT_DECIDED, {"attempt": about, **facts}
        if facts["verdict"] == "attack":
            yield Event.ATTACK_DETECTED, {"attempt": about, **facts}
    elif what == Action.PERSON_ENROLLED:
        yield Event.PERSON_ENROLLED, {"person": about, "samples": facts.get("samples", 0)}
    elif what in (CHECKED_IN, CHECKED_OUT):
        yield Event(what), {"punch": about, **facts}
    elif what == Action.PERSON_ERASED:
        yield Event.PERSON_ERASED, {"person": about}
