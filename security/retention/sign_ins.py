"""What signing in leaves behind: ended sessions, counts of failures, and addresses that operators came from."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from security.models import FailedSignIns, KnownAddress
from security.retention.rules import RetentionRule, old_rows


def _sessions(now: datetime, days: int) -> QuerySet[Session]:
    """A sign-in goes with its session, address and browser included."""
    return Session.objects.filter(expire_date__lt=now - timedelta(days=days)).order_by("expire_date")


def _failures(now: datetime, days: int) -> QuerySet[FailedSignIns]:
    return FailedSignIns.objects.filter(last_at__lt=now - timedelta(days=days))


def _addresses(now: datetime, days: int) -> QuerySet[KnownAddress]:
    return KnownAddress.objects.filter(last_at__lt=now - timedelta(days=days))


count_due, erase_batch = old_rows(_sessions)
count_failures, erase_failures = old_rows(_failures)
count_addresses, erase_addresses = old_rows(_addresses)

RULES = (
    RetentionRule(
        key="ended_sessions",
        housekeeping=True,
        label=_("Ended sign-ins"),
        explanation=_(
            "Sign-ins of operators that have run out, with browser and address. Nobody is signed out by this."
        ),
        count_due=count_due,
        erase_batch=erase_batch,
        default_days=1,
        most_days=30,
        may_keep=False,
    ),
    RetentionRule(
        key="failed_sign_ins",
        housekeeping=True,
        label=_("Failed sign-ins"),
        explanation=_("How often a password was wrong, per account and address, which delays the next try for hours."),
        count_due=count_failures,
        erase_batch=erase_failures,
        default_days=1,
        most_days=30,
        may_keep=False,
    ),
    RetentionRule(
        key="known_addresses",
        housekeeping=True,
        label=_("Known addresses"),
        explanation=(
            _(
                "From where operators have signed in, as a digest: strangers who guess passwords elsewhere do not keep "
                "them out there."
            )
        ),
        count_due=count_addresses,
        erase_batch=erase_addresses,
        default_days=90,
        most_days=90,
        may_keep=False,
    ),
)
