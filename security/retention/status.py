"""What pages say of retention: what runs, what ran last, what comes next, and what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.translation import gettext as _

from security.daily import is_running, state_of
from security.models import RetentionRun
from security.retention.rules import retention_rules
from security.retention.runner import TASK

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

LATE = timedelta(days=2)
"""A site that runs erases every day; two days without it are worth a warning."""


@dataclass(frozen=True, slots=True)
class Line:
    """One rule in a run."""

    label: _StrOrPromise
    due: int
    erased: int


@dataclass(frozen=True, slots=True)
class RunReport:
    run: RetentionRun
    lines: tuple[Line, ...]
    """Rules that had something due or erased something, in the order of the run."""
    problems: tuple[_StrOrPromise, ...]
    """Labels of the rules that failed."""

    @property
    def asked_by(self) -> str:
        kind, colon, number = self.run.asked_by.partition(":")
        if colon:
            return _("operator {number}").format(number=number)
        return {"product": _("the clock"), "command": _("a command")}.get(kind, kind)


@dataclass(frozen=True, slots=True)
class RetentionStatus:
    running: RunReport | None
    last: RunReport | None
    """The newest run that is over."""
    next_at: datetime
    asked_for: bool
    """An operator asked for a run that has not begun yet."""
    warning: str
    """A sentence; empty when all is well."""


def retention_status() -> RetentionStatus:
    """Three small queries."""
    task, newest = state_of(TASK), recent_runs(2)
    running = newest[0] if newest and newest[0].run.state == RetentionRun.State.RUNNING else None
    last = next((report for report in newest if report is not running), None)
    asked_for = bool(task.asked_by) and running is None
    return RetentionStatus(running, last, task.due_at, asked_for, _warning(last, running, task.due_at))


def recent_runs(number: int) -> list[RunReport]:
    """Newest first. A run whose process died is shown as stopped, although nobody could write that down."""
    reports = []
    alive = is_running(TASK)
    for position, run in enumerate(RetentionRun.objects.all()[:number]):
        if run.state == RetentionRun.State.RUNNING and (position or not alive):
            run.state = RetentionRun.State.STOPPED
        reports.append(report_of(run))
    return reports


def report_of(run: RetentionRun) -> RunReport:
    labels = {rule.key: rule.label for rule in retention_rules}
    keys = [key for key in {**run.due, **run.erased} if run.due.get(key) or run.erased.get(key)]
    lines = (Line(labels.get(key, key), run.due.get(key, 0), run.erased.get(key, 0)) for key in keys)
    return RunReport(run, tuple(lines), tuple(labels.get(key, key) for key in run.problems))


def _warning(last: RunReport | None, running: RunReport | None, due_at: datetime) -> str:
    if running:
        return ""
    if last and last.run.state == RetentionRun.State.FAILED:
        if not last.problems:
            return _("The last run could not erase everything. It is tried again every hour; the log says why.")
        return _(
            "The last run could not erase everything ({what}). It is tried again every hour; the log says why."
        ).format(what=", ".join(map(str, last.problems)))
    if due_at < timezone.now() - LATE:
        return _(
            "Nothing was erased for more than two days, although it was due. Look at the health of this site: it "
            "erases once its engine is ready. Until then: manage.py retention"
        )
    return ""
