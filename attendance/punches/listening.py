"""Decisions that check people in and out: told in the decision's own transaction, so both are kept or neither."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attendance.models import AttendancePolicy
from attendance.punches.services import current_attendance_policy, punch_for_decision
from verification.happenings import ATTEMPT_DECIDED
from verification.models import VerificationAttempt

NAMED_LIVE = {
    "verdict": VerificationAttempt.Verdict.MATCH.value,
    "mode": VerificationAttempt.Mode.IDENTIFY.value,
    "source": VerificationAttempt.Source.LIVE.value,
}
"""Facts of a decision that may be a punch: somebody was found by a search of the live page."""


def on_decision(what: str, about: Sequence[str], facts: Mapping[str, Any]) -> None:
    """A listener of security/happenings.py. No query unless the live page named somebody."""
    if what != ATTEMPT_DECIDED or not NAMED_LIVE.items() <= facts.items():
        return
    policy = current_attendance_policy()
    if policy.cameras == AttendancePolicy.Cameras.NONE:
        return
    attempts = VerificationAttempt.objects.select_related("matched_person", "operator").defer("thumbnail")
    for attempt in attempts.filter(uuid__in=about):
        punch_for_decision(attempt, policy)
