"""Long work on model packs, one piece at a time on a site: how far it is, and how it ended.

A lease keeps a second one away. What is going on stands in a small file beside the packs, where every process of the
machine finds it; whose process died is said after STALE_S.
"""

from __future__ import annotations

import json
import logging
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from enrollment.reasons import sentence_for
from recognizer.errors import RecognizerError
from security.background import in_background
from security.events import log_event
from security.languages import in_english
from security.leases import LeaseLost, LeaseTaken, lease

logger = logging.getLogger("facesite.packs")
LEASE = "packs"
FILE = ".packs-job.json"
STALE_S = 180.0
"""Longer than a lease lasts: a running piece of work writes each second."""
WRITE_EVERY_S = 0.5


class PacksBusy(Exception):
    """Nothing was begun. str() is a sentence for the operator."""


class Kind(StrEnum):
    INSTALL = "install"
    VERIFY = "verify"
    SWITCH = "switch"


class State(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Said:
    """A message of gettext (marked by gettext_noop) and what stands in its places. str() is the sentence."""

    words: str
    values: Mapping[str, str | int] = field(default_factory=dict)

    def __str__(self) -> str:
        said = gettext(self.words)
        return said.format(**self.values) if self.values else said


@dataclass(frozen=True, slots=True)
class PackJob:
    kind: str
    pack: str
    state: str
    words: str
    """A sentence in English, a message of gettext: what it does now, or how it ended."""
    done: float = 0.0
    total: float = 0.0
    """0: not known."""
    at: float = field(default_factory=time.time)
    values: dict[str, str | int] = field(default_factory=dict)
    """What stands in the places of `words`."""
    code: str = ""
    """Of what the engine refused: `words` are then its own, which are English."""

    @property
    def running(self) -> bool:
        return self.state == State.RUNNING

    @property
    def sentence(self) -> str:
        """`words` in the language of whoever reads it, which need not be that of whoever began the work."""
        said = str(Said(self.words, self.values))
        return said if not self.code or in_english() else f"{sentence_for(self.code)} ({said})"

    @property
    def percent(self) -> int | None:
        return round(100 * min(1.0, self.done / self.total)) if self.total else None


Tell = Callable[[Said, float, float], None]
"""Called with a sentence, how much is done and how much there is to do."""
Work = Callable[[Tell], Said]
"""Returns the sentence about its end. Raises RecognizerError or Refused with one."""


class Refused(Exception):
    """The work ended early. str() is a sentence for the operator."""

    def __init__(self, words: str, **values: str | int) -> None:
        self.said = Said(words, values)
        super().__init__(words)

    def __str__(self) -> str:
        return str(self.said)


def last_job() -> PackJob | None:
    """What is going on, or ended last."""
    try:
        job = PackJob(**json.loads(_file().read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    if job.running and time.time() - job.at > STALE_S:
        words = _("This stopped half-way, as its process ended. Nothing is lost: begin it again.")
        return replace(job, state=State.FAILED, words=words, values={})
    return job


def start_job(kind: Kind, pack: str, work: Work) -> None:
    """Begin the work in a thread of its own. Raises PacksBusy."""
    job = last_job()
    if job and job.running:
        raise PacksBusy(gettext("{pack} is being worked on. Wait until that has ended.").format(pack=job.pack))
    _write(PackJob(kind, pack, State.RUNNING, _("This begins in a moment.")))
    in_background(lambda: run_job(kind, pack, work), name="packs")


def run_job(kind: Kind, pack: str, work: Work) -> None:
    """Do the work now, and keep how it ended."""
    try:
        with lease(LEASE) as held:
            progress = _Progress(kind, pack, held.beat)
            ended = _job(kind, pack, State.DONE, work(progress.tell))
    except (LeaseTaken, LeaseLost):
        ended = PackJob(kind, pack, State.FAILED, _("Another process works on packs now. Try again when it has ended."))
    except Refused as error:
        ended = _job(kind, pack, State.FAILED, error.said)
    except RecognizerError as error:
        ended = PackJob(kind, pack, State.FAILED, str(error), code=error.code)
    except (DatabaseError, InterfaceError):
        ended = PackJob(kind, pack, State.FAILED, _("The database did not answer. Try again when it does."))
    except Exception:  # the top of a thread: nobody else would notice
        log_event(logger, "pack_job_failed", level=logging.ERROR, exc_info=True, kind=kind.value, pack=pack)
        ended = PackJob(kind, pack, State.FAILED, _("This failed for a reason that stands in the server's log."))
    _write(ended)


def _job(kind: str, pack: str, state: State, said: Said, done: float = 0.0, total: float = 0.0) -> PackJob:
    return PackJob(kind, pack, state, said.words, done, total, values=dict(said.values))


class _Progress:
    """Writes how far the work is, now and then, and keeps its lease."""

    def __init__(self, kind: Kind, pack: str, beat: Callable[[], None]) -> None:
        self._kind, self._pack, self._beat, self._written = kind, pack, beat, 0.0

    def tell(self, said: Said, done: float, total: float) -> None:
        """Raises LeaseLost; Refused when the process ends, which waits for its threads."""
        if not threading.main_thread().is_alive():
            raise Refused(_("The server was stopped meanwhile. Nothing is lost: begin it again."))
        if time.monotonic() - self._written < WRITE_EVERY_S:
            return
        self._written = time.monotonic()
        self._beat()
        _write(_job(self._kind, self._pack, State.RUNNING, said, done, total))


def _file() -> Path:
    return Path(settings.FACESITE_MODELS_DIR) / FILE


def _write(job: PackJob) -> None:
    """A folder that nobody may write to has no progress; what is done in it says so itself."""
    values: dict[str, Any] = asdict(job)
    try:
        with tempfile.NamedTemporaryFile("w", dir=_file().parent, prefix=FILE, delete=False) as fresh:
            json.dump(values, fresh)
        Path(fresh.name).replace(_file())
    except OSError:
        log_event(logger, "pack_job_not_written", level=logging.WARNING, kind=job.kind, state=job.state)
