"""How a decision is told to other apps (security/happenings.py)."""

from __future__ import annotations

from typing import Any, Final

from verification.models import VerificationAttempt

ATTEMPT_DECIDED: Final = "attempt.decided"


def facts_of(attempt: VerificationAttempt) -> dict[str, Any]:
    """What is told of an attempt: ids, scores and codes. JSON values; no name."""
    return {
        "at": attempt.created_at.isoformat(timespec="milliseconds"),
        "mode": attempt.mode,
        "source": attempt.source,
        "verdict": attempt.verdict,
        "person": _id(attempt.matched_person),
        "claimed": _id(attempt.claimed_person),
        "comparison_score": attempt.comparison_score,
        "match_threshold": attempt.match_threshold,
        "fmr": attempt.fmr,
        "liveness": {"verdict": attempt.liveness_verdict, "score": attempt.liveness_score},
        "reasons": list(attempt.reasons),
    }


def _id(person: Any) -> str | None:
    return str(person.uuid) if person else None
