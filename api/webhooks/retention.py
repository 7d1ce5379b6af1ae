"""How long the outbox keeps what was told."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from api.models import OutboxMessage
from security.retention.rules import RetentionRule, old_rows


def _old_messages(now: datetime, days: int) -> QuerySet[OutboxMessage]:
    """Also those that were never delivered: they are given up after three days."""
    return OutboxMessage.objects.filter(at__lt=now - timedelta(days=days)).order_by("at")


_count, _erase = old_rows(_old_messages)
RULE = RetentionRule(
    key="webhook_messages",
    label=_("Messages to other programs"),
    explanation=_("What webhooks were told, with ids of people and attempts, and whether it was delivered."),
    count_due=_count,
    erase_batch=_erase,
    default_days=7,
    least_days=4,
    most_days=90,
    may_keep=False,
    floor_reason=_("A message is tried for three days."),
    housekeeping=True,
)
