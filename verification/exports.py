"""The history as CSV, one row at a time: an export never holds more than a chunk of rows."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import QuerySet

from enrollment.exports import csv_lines
from verification.models import VerificationAttempt

COLUMNS = (
    "time",
    "attempt",
    "mode",
    "source",
    "verdict",
    "claimed_person",
    "matched_person",
    "comparison_score",
    "runner_up",
    "match_threshold",
    "fmr",
    "liveness_verdict",
    "liveness_score",
    "quality_score",
    "frames_agreed",
    "frames_seen",
    "reasons",
    "operator",
)
CHUNK = 1_000


def stream_attempts(attempts: QuerySet[VerificationAttempt]) -> Iterator[str]:
    """Lines for a queryset of selectors.find_attempts()."""
    return csv_lines(COLUMNS, (_row(attempt) for attempt in attempts.iterator(chunk_size=CHUNK)))


def _row(attempt: VerificationAttempt) -> tuple[object, ...]:
    return (
        attempt.created_at.isoformat(timespec="seconds"),
        attempt.uuid,
        attempt.mode,
        attempt.source,
        attempt.verdict,
        attempt.claimed_person or "",
        attempt.matched_person or "",
        attempt.comparison_score,
        attempt.runner_up,
        attempt.match_threshold,
        attempt.fmr,
        attempt.liveness_verdict,
        attempt.liveness_score,
        attempt.quality_score,
        attempt.frames_agreed,
        attempt.frames_seen,
        " ".join(attempt.reasons),
        attempt.operator or "",
    )
