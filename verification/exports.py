"""The history as CSV, line by line: an export never holds more than a page of rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from django.db import transaction
from django.db.models import QuerySet

from security.actors import Actor
from security.allowing import require
from security.audit.actions import Action
from security.audit.recording import record
from security.days import moment
from security.rights import Right
from security.tables import by_pages, csv_lines
from verification.models import VerificationAttempt
from verification.selectors import AttemptFilters

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
    "contract",
    "policy",
    "gallery_revision",
)


def _filter_facts(filters: AttemptFilters) -> dict[str, object]:
    """Those that are set. Of a text only that there was one: it may be a name."""
    values = {name: value for name, value in asdict(filters).items() if value}
    return {name: True if name == "text" else str(value) for name, value in values.items()}


def stream_attempts(
    attempts: QuerySet[VerificationAttempt], *, actor: Actor | None, filters: AttemptFilters | None = None
) -> Iterator[str]:
    """CSV lines, the header first. attempts: with people and operator, as selectors.find_attempts() gives them.

    The export is on record before its first line is read. filters: None where rows were picked one by one. Raises
    NotAllowed.
    """
    require(actor, Right.EXPORT)
    with transaction.atomic():
        facts = _filter_facts(filters) if filters else {"picked": True}
        record(Action.ATTEMPTS_EXPORTED, actor=actor, format="csv", rows=attempts.count(), filters=facts)
    return csv_lines(COLUMNS, map(_row, by_pages(attempts, newest_first=True)))


def _row(attempt: VerificationAttempt) -> tuple[object, ...]:
    return (
        moment(attempt.created_at),
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
        attempt.contract_id,
        attempt.policy_id,
        attempt.gallery_revision,
    )
