"""The history as CSV, line by line: an export never holds more than a page of rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime, tzinfo
from functools import lru_cache, partial

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
from security.days import said_in
from security.rights import Right
from security.tables import Way, counted, csv_lines, repeated_text, tuples_by_pages
from verification.models import VerificationAttempt
from verification.selectors import AttemptFilters

LOGIN = f"operator__{get_user_model().USERNAME_FIELD}"
FIELDS: dict[str, str | Combinable] = {
    "time": Cast("created_at", CharField()),
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
"""Column of the table -> field of an attempt. A moment, a UUID or a list for each of a million rows would take half the
time: the database's words for them are enough."""
COLUMNS = tuple(FIELDS)
FEW_VALUES = (
    *("mode", "source", "verdict", "match_threshold", "fmr", "liveness_verdict", "frames_agreed", "frames_seen"),
    *("operator", "contract", "policy", "gallery_revision"),
)


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
        number, attempts = counted(attempts)
        record(Action.ATTEMPTS_EXPORTED, actor=actor, format="csv", rows=number, filters=facts)
    rows = tuples_by_pages(attempts, tuple(FIELDS.values()), newest_first=True)
    ways: dict[str, Way] = dict.fromkeys(FEW_VALUES, repeated_text)
    ways |= {"time": partial(_by_clocks, timezone.get_current_timezone()), "attempt": _dashed, "reasons": _in_a_row}
    return csv_lines(COLUMNS, rows, ways=ways)


def _by_clocks(zone: tzinfo, kept: str) -> str:
    """kept: as databases say a moment, in UTC."""
    return said_in(zone, datetime.fromisoformat(kept + "Z"))


def _dashed(uuid: str) -> str:
    """As str(UUID): most databases keep the hexadecimal digits alone."""
    return uuid if len(uuid) == 36 else f"{uuid[:8]}-{uuid[8:12]}-{uuid[12:16]}-{uuid[16:20]}-{uuid[20:]}"


@lru_cache(maxsize=1024)  # a few lists of codes come again and again
def _in_a_row(reasons: str) -> str:
    return " ".join(json.loads(reasons))
