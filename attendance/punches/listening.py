"""Decisions that check people in and out: told in the decision's own transaction, so both are kept or neither."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attendance.punches.services import punch_for_decision
from verification.happenings import ATTEMPT_DECIDED
from verification.models import VerificationAttempt


def on_decision(what: str, about: Sequence[str], facts: Mapping[str, Any]) -> None:
    """A listener of security/happenings.py. No query unless the live page named somebody."""
    if what != ATTEMPT_DECIDED or facts["verdict"] != "match" or facts["source"] != VerificationAttempt.Source.LIVE:
        return
    if facts["mode"] != VerificationAttempt.Mode.IDENTIFY:
        return
    for attempt in VerificationAttempt.objects.select_related("matched_person", "operator").filter(uuid__in=about):
        punch_for_decision(attempt)
