"""The history as CSV, line by line: an export never holds more than a chunk of rows."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import QuerySet

from enrollment.exports import csv_lines
from security.actors import Actor
from security.allowing import require
from security.rights import Right
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
"""Rows read from the database at a time."""


def stream_attempts(attempts: QuerySet[VerificationAttempt], *, actor: Actor | None) -> Iterator[str]:
    """CSV lines, the header first. attempts: with people and operator, as selectors.find_attempts() gives them."""
    require(actor, Right.EXPORT)
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
