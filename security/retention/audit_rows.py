"""How long the audit trail is kept."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils.translation import gettext_lazy as _

from security.audit.pruning import count_prunable, prune_batch
from security.retention.rules import RetentionRule

LEAST_DAYS = 365
"""Whoever did something should not be able to wait until nobody can tell."""


def count_due(now: datetime, days: int) -> int:
    return count_prunable(now - timedelta(days=days))


def erase_batch(now: datetime, days: int, limit: int) -> int:
    return prune_batch(actor=None, before=now - timedelta(days=days), limit=limit)


RULE = RetentionRule(
    key="audit_rows",
    housekeeping=True,
    label=_("Audit trail"),
    explanation=_("The oldest rows of who did what. What stays can still be verified from its first row on."),
    count_due=count_due,
    erase_batch=erase_batch,
    default_days=None,
    least_days=LEAST_DAYS,
    floor_reason=_("The audit trail must cover a year at least."),
    most_at_once=5_000,  # each batch is signed for and leaves a row
)
