"""Decisions that check people in and out: told in the decision's own transaction, so both are kept or neither."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attendance.models import AttendancePolicy
from attendance.punches.services import current_attendance_policy, punch_for_decision
from verification.happenings import ATTEMPT_DECIDED
from verification.models import VerificationAttempt

NAMED = {
    "verdict": VerificationAttempt.Verdict.MATCH.value,
    "mode": VerificationAttempt.Mode.IDENTIFY.value,
}
"""Facts of a decision that may be a punch: somebody was found by a search."""
LIVE, KIOSK = VerificationAttempt.Source.LIVE.value, VerificationAttempt.Source.KIOSK.value


def on_decision(what: str, about: Sequence[str], facts: Mapping[str, Any]) -> None:
    """A listener of security/happenings.py. No query unless the live page or a kiosk named somebody."""
    if what != ATTEMPT_DECIDED or not NAMED.items() <= facts.items() or facts["source"] not in (LIVE, KIOSK):
        return
    policy = current_attendance_policy()
    if facts["source"] == LIVE and policy.cameras == AttendancePolicy.Cameras.NONE:
        return
    attempts = VerificationAttempt.objects.select_related("matched_person", "operator").defer("thumbnail")
    for attempt in attempts.filter(uuid__in=about):
        punch_for_decision(attempt, policy)
