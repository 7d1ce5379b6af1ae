"""The import itself: it is planned while somebody waits, and done in a thread, person after person.

Stopped half-way, what is done is done, each person by a transaction of their own; the same files sent again go on.
"""

from __future__ import annotations

import contextvars
import itertools
import logging
import threading
import time
from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import IO

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.utils import translation
from django.utils.translation import gettext_noop as _

from enrollment.importing.archive import Archive, Member, MemberUnreadable
from enrollment.importing.consenting import ConsentChoice
from enrollment.importing.listing import Listing, read_listing
from enrollment.importing.matching import Plan, members_of, plan_import
from enrollment.importing.people import import_entry
from enrollment.importing.reasons import ImportReason, ImportRefused
from enrollment.importing.reporting import COUNTS, count_lines, lines_of_outcome, lines_of_plan, sentence_of
from enrollment.importing.runs import State, begin_run, close_run, note_lines, note_progress
from enrollment.models import ImportRun
from enrollment.pictures.folder_import import Picture, look_at_all, look_at_bytes
from enrollment.pictures.photos import MEGABYTE
from enrollment.reasons import sentence_for
from enrollment.runtime.engine import get_engine
from recognizer.engine import FaceEngine
from recognizer.errors import PackError
from security.actors import Actor
from security.allowing import NotAllowed, require
from security.background import in_background
from security.events import log_event
from security.leases import HeldLease, LeaseLost
from security.rights import Right

logger = logging.getLogger("facesite.enrollment")
WRITE_EVERY_S = 0.5
UNPACKED = 4
"""Times FACESITE_IMPORT_MB: what all members may have together. Pictures are compressed already."""


class Ended(Exception):
    """The work ends early: the state, and str() the sentence about it."""

    def __init__(self, state: str, words: str = "") -> None:
        super().__init__(words)
        self.state = state


@dataclass(frozen=True, slots=True)
class Job:
    actor: Actor | None
    plan: Plan
    archive: Archive | None
    file: IO[bytes] | None
    choice: ConsentChoice


def begin_import(
    *, actor: Actor | None, file: IO[bytes] | None, listing: bytes | None, choice: ConsentChoice
) -> ImportRun:
    """Begin in the background. file: a ZIP, which is the work's from now on and is closed by it, whatever happens.

    Raises NotAllowed, ImportRefused, ImportBusy, PackError.
    """
    try:
        require(actor, Right.ENROL)
        get_engine()
        rows = read_listing(listing) if listing is not None else None
        archive = Archive(file, most_unpacked=UNPACKED * settings.FACESITE_IMPORT_MB * MEGABYTE) if file else None
        plan = _planned(archive, rows)
        run, held = begin_run(actor, plan.total)
    except BaseException:
        if file is not None:
            file.close()
        raise
    job = Job(actor, plan, archive, file, choice)
    same_request = contextvars.copy_context()  # audit rows say from which address it came
    in_background(lambda: same_request.run(run_import, job, run, held), name="import")
    return run


def run_import(job: Job, run: ImportRun, held: HeldLease) -> None:
    """Do it now, and keep how it ended, in English: pages say it in the language of whoever reads it. The lease is
    given back.
    """
    counts: Counter[str] = Counter(dict.fromkeys(COUNTS, 0))
    try:
        with translation.override(settings.LANGUAGE_CODE):
            ended = _ended(job, run, held, counts)
            close_run(job.actor, run, ended.state, str(ended), counts)
    except (DatabaseError, InterfaceError):  # last_run() says that it stopped
        log_event(logger, "import_not_closed", level=logging.ERROR, run=str(run.uuid))
    finally:
        if job.archive is not None:
            job.archive.close()
        if job.file is not None:
            job.file.close()
        held.give_back()


def _ended(job: Job, run: ImportRun, held: HeldLease, counts: Counter[str]) -> Ended:
    try:
        _work(job, run, held, counts)
    except Ended as ended:
        return ended
    except LeaseLost:
        return Ended(State.FAILED, _("The server stood still for too long. Send the same files again."))
    except (NotAllowed, PackError) as error:
        log_event(logger, "import_refused", level=logging.WARNING, exc_info=True, run=str(run.uuid))
        return Ended(State.FAILED, sentence_for(error.code))
    except (DatabaseError, InterfaceError):
        return Ended(State.FAILED, _("The database did not answer. Send the same files again when it does."))
    except Exception:  # the top of a thread: nobody else would notice
        log_event(logger, "import_failed", level=logging.ERROR, exc_info=True, run=str(run.uuid))
        return Ended(State.FAILED, _("This failed for a reason that stands in the server's log."))
    return Ended(State.DONE)


def _work(job: Job, run: ImportRun, held: HeldLease, counts: Counter[str]) -> None:
    """Raises Ended, LeaseLost, and what goes wrong."""
    engine, progress = get_engine(), _Progress(run, held)
    first = lines_of_plan(run, job.plan)
    count_lines(counts, first, is_person=False)
    note_lines(run, first, counts)
    looks = (partial(_look_at, engine, job.archive, member) for member in members_of(job.plan))
    seen = look_at_all(engine, looks, lambda done: progress.step())
    for entry in job.plan.entries:
        pictures = list(itertools.islice(seen, len(entry.pictures)))
        if not entry.pictures:
            progress.step()
        outcome, notes = import_entry(entry, pictures, job.choice, job.actor)
        lines = lines_of_outcome(run, entry, outcome, notes)
        count_lines(counts, lines, is_person=True)
        note_lines(run, lines, counts)


def _look_at(engine: FaceEngine, archive: Archive | None, member: Member) -> Picture:
    """A draft out of the ZIP, or the reason why there is none."""
    assert archive is not None  # noqa: S101 - no member without one
    try:
        data = archive.read(member)
    except MemberUnreadable as error:
        return Picture(member.path, code=error.code, message=sentence_of(error.code))
    return look_at_bytes(engine, member.path, data)


class _Progress:
    def __init__(self, run: ImportRun, held: HeldLease) -> None:
        self._run, self._held, self._done, self._written = run, held, 0, 0.0

    def step(self) -> None:
        """One picture, or one person without. Raises LeaseLost, and Ended when somebody or the server ends it."""
        self._done += 1
        if not threading.main_thread().is_alive():
            raise Ended(State.FAILED, _("The server was stopped meanwhile. Send the same files again."))
        if time.monotonic() - self._written < WRITE_EVERY_S:
            return
        self._written = time.monotonic()
        self._held.beat()
        if note_progress(self._run, self._done):
            raise Ended(State.CANCELLED)


def _planned(archive: Archive | None, listing: Listing | None) -> Plan:
    plan = plan_import(archive, listing)
    if not plan.entries:
        raise ImportRefused(ImportReason.NOTHING_TO_IMPORT)
    return plan
