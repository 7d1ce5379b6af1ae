"""Sign-ins that have ended: Django leaves their rows, with the operator's id in them, until somebody clears them."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.sessions.models import Session
from django.db.models import QuerySet

from security.retention.rules import RetentionRule


def _due(now: datetime, days: int) -> QuerySet[Session]:
    return Session.objects.filter(expire_date__lt=now - timedelta(days=days))


def count_due(now: datetime, days: int) -> int:
    return _due(now, days).count()


def erase_batch(now: datetime, days: int, limit: int) -> int:
    keys = list(_due(now, days).order_by("expire_date").values_list("pk", flat=True)[:limit])
    return _due(now, days).filter(pk__in=keys).delete()[0]


RULE = RetentionRule(
    key="ended_sessions",
    label="Ended sign-ins",
    explanation="Sign-ins of operators that have run out. Nobody is signed out by this.",
    count_due=count_due,
    erase_batch=erase_batch,
    default_days=1,
    most_days=30,
    may_keep=False,
)
