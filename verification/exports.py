"""The history as CSV, one row at a time: an export never holds more than a chunk of rows."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from django.db.models import QuerySet

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
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet runs a cell that begins like this (OWASP, CSV injection)."""


class _Echo:
    """csv.writer's file: hands every line straight back."""

    def write(self, line: str) -> str:
        return line


def stream_attempts(attempts: QuerySet[VerificationAttempt]) -> Iterator[str]:
    """CSV lines (RFC 4180), header first, of a queryset of selectors.find_attempts()."""
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    for attempt in attempts.iterator(chunk_size=CHUNK):
        yield writer.writerow([_cell(value) for value in _row(attempt)])


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


def _cell(value: object) -> object:
    """Numbers stay numbers; text that a spreadsheet would run gets an apostrophe in front."""
    if value is None or isinstance(value, int | float):
        return value
    text = str(value)
    return "'" + text if text.startswith(FORMULA_STARTS) else text
