"""What is told of failed sign-ins: every one in the log, so many an hour in the audit trail."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from security.audit.actions import Action
from security.audit.recording import record
from security.events import log_event
from security.meters import SIGN_INS
from security.models import FailedSignIns
from security.sign_in.limits import AUDIT_ROWS, Trial, digest_of

logger = logging.getLogger("facesite.sign_in")
ROWS_PER_HOUR: Final = 30
"""Audit rows about failures. The next row says how many were left out: nobody can fill the trail from outside."""


def tell_failure(trial: Trial, *, reason: str, failures: int) -> None:
    """Log it with the client's address, which fail2ban and its like need, and write an audit row."""
    facts = {"account": trial.account, "reason": reason, "failures": failures}
    SIGN_INS.labels("failed").inc()
    log_event(logger, "sign_in_failed", level=logging.WARNING, address=trial.address, **facts)
    with transaction.atomic():
        left_out = _take_row()
        if left_out is not None:
            target = trial.account if trial.operator else ""
            record(Action.SIGN_IN_FAILED, actor=None, target=target, left_out_before=left_out, **facts)


def tell_refusal(trial: Trial, *, seconds: int) -> None:
    """A try that came too early. No password was looked at, and nothing is counted."""
    facts = {"account": trial.account, "address": trial.address, "retry_after_s": seconds}
    log_event(logger, "sign_in_refused", level=logging.WARNING, **facts)


def _take_row() -> int | None:
    """How many rows were left out before this one; None: leave this one out as well. Holds a lock until the commit."""
    now = timezone.now()
    defaults = {"failures": 0, "last_at": now}
    FailedSignIns.objects.get_or_create(key=digest_of(AUDIT_ROWS), defaults=defaults)
    hour = FailedSignIns.objects.select_for_update().get(key=digest_of(AUDIT_ROWS))
    left_out = 0
    if hour.last_at < now - timedelta(hours=1):
        left_out = max(0, hour.failures - ROWS_PER_HOUR)
        hour.failures, hour.last_at = 0, now
    hour.failures += 1
    hour.save()
    return left_out if hour.failures <= ROWS_PER_HOUR else None
