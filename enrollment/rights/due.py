"""The retention rule for people whose consent has ended; security/retention/ runs it once a day."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from enrollment.consent.policy import current_consent_policy
from enrollment.models import ConsentPolicy
from enrollment.privacy.saving import save_grace_days
from enrollment.rights.consenting import count_due_people, erase_due_people, expire_consents
from security.retention.rules import OwnDays, RetentionRule


def count_due(now: datetime, days: int) -> int:
    """`days` is the grace period, which every record has fixed when it ended: a day that was named is kept."""
    return count_due_people(now=now)


def erase_batch(now: datetime, days: int, limit: int) -> int:
    expire_consents(now=now)
    return erase_due_people(now=now, limit=limit)


ENDED_CONSENTS = RetentionRule(
    key="ended_consents",
    label=_("People whose consent has ended"),
    explanation=_(
        "People who withdrew their consent, or whose consent has expired, so many days after that. They are not "
        "searched from the end on. The day that their page names stays, whatever you choose here later."
    ),
    count_due=count_due,
    erase_batch=erase_batch,
    default_days=ConsentPolicy().grace_days,
    least_days=0,
    most_days=90,
    may_keep=False,
    most_at_once=10,
    own_days=OwnDays(lambda: current_consent_policy().grace_days, save_grace_days),
)
