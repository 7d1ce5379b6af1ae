"""What the product does by itself once a day: one process of the site does it, at a quiet hour.

A task registers from AppConfig.ready(). `serve` and `runserver` start the worker, one thread per process; whichever
process finds a task due first takes its lease and runs it. Nothing starts in a command or a test unless it asks.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.utils import timezone

from security.background import Background
from security.events import log_event
from security.leases import HeldLease, LeaseLost, LeaseTaken, is_held, lease
from security.models import DailyTask
from security.source import PRODUCT

logger = logging.getLogger("facesite.daily")

POLL_S = 30.0
"""How often each process looks whether something is due: one small query per task."""
RETRY = timedelta(hours=1)
"""After a failure."""
JOIN_S = 1.0
"""How long the end of the process waits for a task to stop."""


class Stopping(Exception):
    """The process ends: a task lets go of its work, which another process, or a later start, takes up again."""


@dataclass(frozen=True, slots=True)
class Shift:
    """One run of a task, while its lease is held."""

    held: HeldLease
    asked_by: str
    """operator:<id>, command, or product: the clock."""
    stopping: threading.Event = field(default_factory=threading.Event)

    def pause(self, seconds: float = 0.0) -> None:
        """Call it between two pieces of work, at least once a minute. Raises Stopping, LeaseLost."""
        if self.stopping.wait(seconds):
            raise Stopping
        self.held.beat()


Work = Callable[[Shift], None]


@dataclass(frozen=True, slots=True)
class Task:
    name: str
    work: Work
    """Does a day's work. It may be called again after it was stopped or failed half-way."""
    first_after: timedelta
    """How long after the first start of the site with this task it runs for the first time."""


@dataclass(slots=True)
class DailyTasks:
    by_name: dict[str, Task] = field(default_factory=dict)

    def register(self, name: str, work: Work, *, first_after: timedelta = timedelta(0)) -> None:
        """AppConfig.ready() may run twice: the same name replaces the task."""
        self.by_name[name] = Task(name, work, first_after)


daily_tasks = DailyTasks()
"""The process's own. A test swaps `by_name` with monkeypatch.setattr(daily_tasks, ...)."""


def next_quiet_hour(after: datetime) -> datetime:
    """The next time after `after` at which the site's clocks show FACESITE_QUIET_HOUR.

    On a day on which clocks jump over that hour it is the moment after the jump; on one that has it twice, the first.
    """
    local = after.astimezone(timezone.get_default_timezone())
    quiet = local.replace(hour=settings.FACESITE_QUIET_HOUR, minute=0, second=0, microsecond=0, fold=0)
    while quiet.timestamp() <= after.timestamp():
        quiet += timedelta(days=1)  # on the clock's face; the zone's offset is looked up again
    return quiet.astimezone(after.tzinfo)


def state_of(name: str) -> DailyTask:
    """When the task is due and how its last run went. The first call of a site plans the first run."""
    first = timezone.now() + daily_tasks.by_name[name].first_after
    return DailyTask.objects.get_or_create(name=name, defaults={"due_at": first})[0]


def is_running(name: str) -> bool:
    return is_held(_lease_of(name))


def ask_for(name: str, *, asked_by: str) -> None:
    """Let the task run as soon as a process of the site looks for work: this one at once, others within POLL_S."""
    state_of(name)
    DailyTask.objects.filter(name=name).update(due_at=timezone.now(), asked_by=asked_by)
    worker.wake()


def run_task(name: str, *, asked_by: str, stopping: threading.Event | None = None) -> None:
    """Run it now in the calling thread. Raises LeaseTaken, Stopping, LeaseLost and what the task raises."""
    with _shift(name, asked_by, stopping or threading.Event()) as shift:
        daily_tasks.by_name[name].work(shift)


def run_due_tasks(stopping: threading.Event) -> list[str]:
    """Run what is due, one after the other. Returns the names of those that ended well. A failure is logged."""
    done = []
    for name in daily_tasks.by_name:
        if stopping.is_set() or state_of(name).due_at > timezone.now() or is_running(name):
            continue
        try:
            # Between the look at the clock and the lease, another process may have done it.
            with _shift(name, state_of(name).asked_by or PRODUCT, stopping, only_if_due=True) as shift:
                daily_tasks.by_name[name].work(shift)
            done.append(name)
        except (LeaseTaken, Stopping):
            continue
        except LeaseLost:
            log_event(logger, "lease_lost", level=logging.WARNING, task=name)
        except Exception:
            # Nobody else would notice: this is the top of a thread.
            log_event(logger, "daily_task_failed", level=logging.ERROR, task=name, exc_info=True)
    return done


@contextmanager
def _shift(name: str, asked_by: str, stopping: threading.Event, *, only_if_due: bool = False) -> Iterator[Shift]:
    """The lease, and in the task's row when it began, how it ended and when it is due again. Raises LeaseTaken."""
    with lease(_lease_of(name)) as held:
        state = state_of(name)
        if only_if_due and state.due_at > timezone.now():
            raise LeaseTaken
        row = DailyTask.objects.filter(pk=state.pk)
        row.update(begun_at=timezone.now(), ended_at=None)
        try:
            yield Shift(held, asked_by, stopping)
        except (Stopping, LeaseLost):
            raise  # still due: whoever comes next goes on
        except Exception as error:
            now = timezone.now()
            row.update(ended_at=now, problem=type(error).__name__, due_at=now + RETRY, asked_by="")
            raise
        now = timezone.now()
        row.update(ended_at=now, problem="", due_at=next_quiet_hour(now), asked_by="")


def _lease_of(name: str) -> str:
    return f"daily:{name}"


def _at_once() -> bool:
    return True


class DailyWorker(Background):
    """The thread of one process that looks for work.

    stop() waits at most JOIN_S: what is then still under way is one short transaction, which ends or never happened.
    """

    def __init__(self) -> None:
        super().__init__("daily", every_s=POLL_S, join_s=JOIN_S)
        self._is_ready: Callable[[], bool] = _at_once

    def start(self, is_ready: Callable[[], bool] = _at_once) -> None:
        """Begin to look; work begins once is_ready() says that the process is warm. A second call changes nothing."""
        if not self._has_begun:
            self._is_ready = is_ready
        super().start()

    def look(self) -> None:
        try:
            if self._is_ready():
                run_due_tasks(self._stopping)
        except (DatabaseError, InterfaceError):
            log_event(logger, "daily_tasks_wait", level=logging.DEBUG, exc_info=True)


worker = DailyWorker()
