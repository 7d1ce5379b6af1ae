"""The history as CSV, line by line: an export never holds more than a page of rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import tzinfo
from functools import lru_cache, partial
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import CharField, QuerySet, TextField
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast
from django.utils import timezone

from security.actors import Actor
from security.allowing import require
from security.audit.actions import Action
from security.audit.recording import record
from security.days import moment
from security.rights import Right
from security.tables import csv_lines, tuples_by_pages
from verification.models import VerificationAttempt
from verification.selectors import AttemptFilters

LOGIN = f"operator__{get_user_model().USERNAME_FIELD}"
FIELDS: dict[str, str | Combinable] = {
    "time": "created_at",
    "attempt": Cast("uuid", CharField()),
    "mode": "mode",
    "source": "source",
    "verdict": "verdict",
    "claimed_person": "claimed_person__name",
    "claimed_external_id": "claimed_person__external_id",
    "matched_person": "matched_person__name",
    "matched_external_id": "matched_person__external_id",
    "comparison_score": "comparison_score",
    "runner_up": "runner_up",
    "match_threshold": "match_threshold",
    "fmr": "fmr",
    "liveness_verdict": "liveness_verdict",
    "liveness_score": "liveness_score",
    "quality_score": "quality_score",
    "frames_agreed": "frames_agreed",
    "frames_seen": "frames_seen",
    "reasons": Cast("reasons", TextField()),
    "operator": LOGIN,
    "contract": "contract_id",
    "policy": "policy_id",
    "gallery_revision": "gallery_revision",
}
"""Column of the table -> field of an attempt. A UUID or a list for each of a million rows would take half the time."""
COLUMNS = tuple(FIELDS)
TIME, ATTEMPT, REASONS = COLUMNS.index("time"), COLUMNS.index("attempt"), COLUMNS.index("reasons")
TYPED = {"claimed_person", "claimed_external_id", "matched_person", "matched_external_id", "operator"}
"""What somebody chose the words of."""


def _filter_facts(filters: AttemptFilters) -> dict[str, object]:
    """Those that are set. Of a text only that there was one: it may be a name."""
    values = {name: value for name, value in asdict(filters).items() if value}
    return {name: True if name == "text" else str(value) for name, value in values.items()}


def stream_attempts(
    attempts: QuerySet[VerificationAttempt], *, actor: Actor | None, filters: AttemptFilters | None = None
) -> Iterator[str]:
    """CSV lines, the header first.

    The export is on record before its first line is read. filters: None where rows were picked one by one. Raises
    NotAllowed.
    """
    require(actor, Right.EXPORT)
    with transaction.atomic():
        facts = _filter_facts(filters) if filters else {"picked": True}
        record(Action.ATTEMPTS_EXPORTED, actor=actor, format="csv", rows=attempts.count(), filters=facts)
    rows = tuples_by_pages(attempts, tuple(FIELDS.values()), newest_first=True)
    return csv_lines(COLUMNS, map(partial(_row, timezone.get_current_timezone()), rows), own=set(COLUMNS) - TYPED)


def _row(zone: tzinfo, values: tuple[Any, ...]) -> list[object]:
    row: list[object] = list(values)
    row[TIME] = moment(values[TIME], zone)
    row[ATTEMPT] = _dashed(values[ATTEMPT])
    row[REASONS] = _in_a_row(values[REASONS])
    return row


def _dashed(uuid: str) -> str:
    """As str(UUID): most databases keep the hexadecimal digits alone."""
    return uuid if len(uuid) == 36 else f"{uuid[:8]}-{uuid[8:12]}-{uuid[12:16]}-{uuid[16:20]}-{uuid[20:]}"


@lru_cache(maxsize=1024)  # a few lists of codes come again and again
def _in_a_row(reasons: str) -> str:
    return " ".join(json.loads(reasons))
