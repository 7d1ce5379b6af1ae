"""What signing in leaves behind: ended sessions, counts of failures, and addresses that operators came from."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.sessions.models import Session
from django.db.models import QuerySet

from security.models import FailedSignIns, KnownAddress
from security.retention.rules import RetentionRule


def _due(now: datetime, days: int) -> QuerySet[Session]:
    return Session.objects.filter(expire_date__lt=now - timedelta(days=days))


def count_due(now: datetime, days: int) -> int:
    return _due(now, days).count()


def erase_batch(now: datetime, days: int, limit: int) -> int:
    keys = list(_due(now, days).order_by("expire_date").values_list("pk", flat=True)[:limit])
    _, rows = _due(now, days).filter(pk__in=keys).delete()
    return rows.get(Session._meta.label, 0)  # its sign-in, with address and browser, goes along


def _failures(now: datetime, days: int) -> QuerySet[FailedSignIns]:
    return FailedSignIns.objects.filter(last_at__lt=now - timedelta(days=days))


def count_failures(now: datetime, days: int) -> int:
    return _failures(now, days).count()


def erase_failures(now: datetime, days: int, limit: int) -> int:
    keys = list(_failures(now, days).values_list("pk", flat=True)[:limit])
    return _failures(now, days).filter(pk__in=keys).delete()[0]


def _addresses(now: datetime, days: int) -> QuerySet[KnownAddress]:
    return KnownAddress.objects.filter(last_at__lt=now - timedelta(days=days))


def count_addresses(now: datetime, days: int) -> int:
    return _addresses(now, days).count()


def erase_addresses(now: datetime, days: int, limit: int) -> int:
    keys = list(_addresses(now, days).values_list("pk", flat=True)[:limit])
    return _addresses(now, days).filter(pk__in=keys).delete()[0]


RULES = (
    RetentionRule(
        key="ended_sessions",
        housekeeping=True,
        label="Ended sign-ins",
        explanation="Sign-ins of operators that have run out, with browser and address. Nobody is signed out by this.",
        count_due=count_due,
        erase_batch=erase_batch,
        default_days=1,
        most_days=30,
        may_keep=False,
    ),
    RetentionRule(
        key="failed_sign_ins",
        housekeeping=True,
        label="Failed sign-ins",
        explanation="How often a password was wrong, per account and address, which delays the next try for hours.",
        count_due=count_failures,
        erase_batch=erase_failures,
        default_days=1,
        most_days=30,
        may_keep=False,
    ),
    RetentionRule(
        key="known_addresses",
        housekeeping=True,
        label="Known addresses",
        explanation=(
            "From where operators have signed in, as a digest: strangers who guess passwords elsewhere do not keep "
            "them out there."
        ),
        count_due=count_addresses,
        erase_batch=erase_addresses,
        default_days=90,
        most_days=90,
        may_keep=False,
    ),
)
