"""One run through the site's rules: in short transactions with pauses between them, so that no page waits for it.

It may end after any batch, be it that the process stops, the lease is lost or the database goes away: what was erased
is erased, what was not is still due, and the next run goes on.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, InterfaceError, transaction
from django.utils import timezone

from security.actors import Actor, actor_id
from security.allowing import require
from security.audit.actions import Action
from security.audit.recording import record
from security.daily import Shift, Stopping, ask_for
from security.events import log_event
from security.leases import LeaseLost
from security.models import RetentionRun
from security.retention.policy import current_days
from security.retention.rules import RetentionRule, retention_rules
from security.rights import Right
from security.source import coming_from
from security.traces import leave_no_traces

logger = logging.getLogger("facesite.retention")

TASK = "retention"
"""The name under which security/daily.py runs it."""
FIRST_AFTER = timedelta(hours=24)
"""From the first start with retention to the first run: a site has a day to choose other rules than the defaults."""
FIRST_BATCH = 50
BATCH_S = 0.03
"""What a batch should take. SQLite's other writers wait for its transaction; a frame of the live page takes longer."""
PAUSE_S = 0.05
"""Between two batches, so that others get in."""
PROGRESS_S = 1.0
RUNS_KEPT = timedelta(days=400)


class RetentionFailed(Exception):
    """Some rules could not be carried out to the end."""

    def __init__(self, rules: Sequence[str]) -> None:
        super().__init__(", ".join(rules))
        self.rules = rules
        """Their keys."""


@dataclass(frozen=True, slots=True)
class Due:
    """What a run would do for one rule."""

    rule: RetentionRule
    days: int | None
    """None: kept."""
    count: int


def what_is_due(now: datetime | None = None) -> list[Due]:
    """What a run would erase now, for every rule. Changes nothing."""
    now, days = now or timezone.now(), current_days()
    return [_due(rule, days[rule.key], now) for rule in retention_rules]


def _due(rule: RetentionRule, days: int | None, now: datetime) -> Due:
    return Due(rule, days, 0 if days is None else rule.count_due(now, days))


def ask_for_run(*, actor: Actor | None) -> None:
    """Let some process of the site run it within half a minute; its audit row says who asked. Raises NotAllowed."""
    require(actor, Right.SET_RETENTION)
    ask_for(TASK, asked_by=f"operator:{actor_id(actor)}" if actor else "command")


def erase_due(shift: Shift) -> None:
    """The daily task. Raises RetentionFailed, Stopping, LeaseLost and, in an outage, the database's errors."""
    with coming_from(TASK):
        _Run(shift).carry_out()


class _Run:
    """A run's row and its progress."""

    def __init__(self, shift: Shift) -> None:
        self.shift, self.now, self.days = shift, timezone.now(), current_days()
        # Whoever wrote "running" before is gone: this process has the lease.
        RetentionRun.objects.filter(state=RetentionRun.State.RUNNING).update(
            state=RetentionRun.State.STOPPED, ended_at=self.now
        )
        self.row = RetentionRun.objects.create(
            begun_at=self.now,
            asked_by=shift.asked_by,
            process=f"{socket.gethostname()[:40]}:{os.getpid()}",
            days=self.days,
        )
        self._saved = time.monotonic()

    def carry_out(self) -> None:
        try:
            for rule in retention_rules:
                self._apply(rule)
        except (Stopping, LeaseLost):
            self._end(RetentionRun.State.STOPPED)
            raise
        except (DatabaseError, InterfaceError):
            self._end_in_outage()
            raise
        RetentionRun.objects.filter(begun_at__lt=self.now - RUNS_KEPT).delete()
        self._end(RetentionRun.State.FAILED if self.row.problems else RetentionRun.State.DONE)
        if self.row.problems:
            raise RetentionFailed(list(self.row.problems))

    def _apply(self, rule: RetentionRule) -> None:
        """A fault in one rule is noted and does not keep the others from their work; an outage ends the run."""
        days = self.days[rule.key]
        if days is None:
            return
        try:
            self.row.due[rule.key] = rule.count_due(self.now, days)
            self._erase(rule, days)
        except (Stopping, LeaseLost):
            raise
        except Exception as error:
            self.row.problems[rule.key] = type(error).__name__
            log_event(logger, "rule_failed", level=logging.ERROR, rule=rule.key, exc_info=True)
            if isinstance(error, (DatabaseError, InterfaceError)):
                raise

    def _erase(self, rule: RetentionRule, days: int) -> None:
        size = min(FIRST_BATCH, rule.most_at_once)
        erased = self.row.erased
        while True:
            self.shift.pause(PAUSE_S)
            began = time.monotonic()
            gone = rule.erase_batch(self.now, days, size)
            size = next_size(size, time.monotonic() - began, rule.most_at_once)
            erased[rule.key] = erased.get(rule.key, 0) + gone
            if not gone:
                break
            self._save_progress()
        if erased[rule.key]:
            leave_no_traces()  # once per rule: emptying SQLite's log after every batch would keep writers waiting
            log_event(logger, "retention_erased", rule=rule.key, number=erased[rule.key])

    def _save_progress(self) -> None:
        if time.monotonic() - self._saved >= PROGRESS_S:
            self._saved = time.monotonic()
            self.row.save(update_fields=["due", "erased", "problems"])

    def _end(self, state: RetentionRun.State) -> None:
        self.row.state, self.row.ended_at = state, timezone.now()
        with transaction.atomic():
            self.row.save()
            record(Action.RETENTION_RAN, actor=None, target=self.row.pk, **_facts(self.row))
        log_event(logger, "retention_ran", state=state.value, asked_by=self.row.asked_by, erased=self.row.erased)

    def _end_in_outage(self) -> None:
        """Where even this cannot be written, the row says "running" until the next run finds it."""
        try:
            self._end(RetentionRun.State.FAILED)
        except (DatabaseError, InterfaceError):
            log_event(logger, "retention_ended_in_outage", level=logging.WARNING)


def next_size(size: int, seconds: float, most: int) -> int:
    """How many the next batch takes, so that its transaction takes about BATCH_S.

    Never less than a fifth of the most: on a slow disk the commit alone takes longer, and smaller batches never end.
    """
    if seconds > BATCH_S:
        return min(size, max(1, most // 5, size // 2))
    return min(most, size * 2) if seconds < BATCH_S / 2 else size


def _facts(row: RetentionRun) -> Mapping[str, Any]:
    return {"state": row.state, "asked_by": row.asked_by, "erased": row.erased, "problems": row.problems}
