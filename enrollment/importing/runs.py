"""How far an import is, how it ended, and its report, in the database: every process and machine of a site sees it.

One at a time: a lease keeps a second one away, and tells of a run whether its process still lives.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from enrollment.models import ImportLine, ImportRun
from security.actors import Actor, actor_id
from security.allowing import require
from security.audit.actions import Action
from security.audit.recording import record
from security.daily import Shift
from security.events import log_event
from security.leases import HeldLease, LeaseTaken, is_held
from security.rights import Right

logger = logging.getLogger("facesite.enrollment")
LEASE = "people_import"
KEPT = timedelta(days=7)
"""A report names people who were refused: nobody needs that for long."""
TASK = "import_reports"
State = ImportRun.State
DIED = gettext_noop(
    "This stopped half-way, as its process ended. What the report names is done: send the same files again."
)
FORGOTTEN = _("The report was removed. The people stay.")
BUSY = _(
    "Another import is at work, or was until its server was stopped two minutes ago at most. Wait until it has ended."
)


class ImportBusy(Exception):
    """Nothing was begun. str() is a sentence for the operator."""

    def __init__(self) -> None:
        super().__init__(str(BUSY))


def begin_run(actor: Actor | None, total: int) -> tuple[ImportRun, HeldLease]:
    """The run's row, and the lease, which its worker gives back. Earlier runs and reports go. Raises ImportBusy."""
    held = HeldLease(LEASE)
    try:
        held.take()
    except LeaseTaken:
        raise ImportBusy from None
    try:
        with transaction.atomic():
            ImportRun.objects.all().delete()
            run = ImportRun.objects.create(total=total, begun_by=actor)  # type: ignore[misc]
    except BaseException:
        held.give_back()
        raise
    return run, held


def last_run() -> ImportRun | None:
    """What is going on, or ended last. One whose process died counts as failed."""
    run = ImportRun.objects.select_related("begun_by").order_by("-pk").first()
    if run and run.state == State.RUNNING and not is_held(LEASE):
        run.state, run.words = State.FAILED, DIED
    return run


def note_progress(run: ImportRun, done: int) -> bool:
    """Returns whether somebody has asked to end it."""
    ImportRun.objects.filter(pk=run.pk).update(done=done)
    return ImportRun.objects.filter(pk=run.pk, cancel_asked=True).exists()


def note_lines(run: ImportRun, lines: Sequence[ImportLine], counts: Mapping[str, int]) -> None:
    """Lines about somebody who was erased at this very moment are left out."""
    with suppress(IntegrityError), transaction.atomic():
        ImportLine.objects.bulk_create(lines, batch_size=200)
    ImportRun.objects.filter(pk=run.pk).update(counts=dict(counts))


def close_run(actor: Actor | None, run: ImportRun, state: str, words: str, counts: Mapping[str, int]) -> None:
    """The end, with its audit row."""
    with transaction.atomic():
        ImportRun.objects.filter(pk=run.pk).update(
            state=state,
            words=words[:300],
            counts=dict(counts),
            done=run.total if state == State.DONE else F("done"),
            ended_at=timezone.now(),
        )
        record(Action.PEOPLE_IMPORTED, actor=actor, target=run.uuid, ended=state, **counts)
    log_event(logger, "people_imported", ended=state, actor=actor_id(actor), **counts)


def cancel_run(*, actor: Actor | None) -> None:
    """Ask the run that is at work to end: it does after the person that it is at."""
    require(actor, Right.ENROL)
    ImportRun.objects.filter(state=State.RUNNING).update(cancel_asked=True)


def forget_report(*, actor: Actor | None) -> None:
    """Remove the report of an import that has ended."""
    require(actor, Right.ENROL)
    if not is_held(LEASE):
        ImportRun.objects.all().delete()


def forget_old_reports(shift: Shift) -> None:
    """Once a day."""
    if not is_held(LEASE):
        ImportRun.objects.filter(begun_at__lt=timezone.now() - KEPT).delete()
    shift.pause()


def lines_of(run: ImportRun, *, only_problems: bool) -> QuerySet[ImportLine]:
    lines = run.lines.select_related("person", "other").order_by("pk")
    return lines.filter(is_problem=True) if only_problems else lines
