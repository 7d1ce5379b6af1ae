"""How long punches are kept. security/retention/ runs the rule."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from attendance.models import Punch
from security.retention.rules import RetentionRule, old_rows

PUNCH_DAYS = 730


def _punches(now: datetime, days: int) -> QuerySet[Punch]:
    return Punch.objects.filter(at__lt=now - timedelta(days=days)).order_by("at")


count_punches, erase_punches = old_rows(_punches)

RULE = RetentionRule(
    key="punches",
    label=_("Check-ins and check-outs"),
    explanation=_(
        "Who came and went when, and what was entered or taken back by hand. Working hours must often be kept for some "
        "years: ask what the law of your country says."
    ),
    count_due=count_punches,
    erase_batch=erase_punches,
    default_days=PUNCH_DAYS,
    least_days=31,
    floor_reason=_("Forgotten punches of the last 31 days can still be mended."),
)
