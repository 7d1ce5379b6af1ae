"""Starts the engine and loads the gallery in the background, so that the first visitor does not wait for it.

`serve` and `runserver` call start(); /readyz calls it too, so that a pack installed later, or a database that comes
back, is noticed without a restart.
"""

from __future__ import annotations

import gc
import logging
import threading
import time
from typing import TYPE_CHECKING, Final

from django.db import DatabaseError, InterfaceError, close_old_connections
from django.utils.translation import gettext_lazy as _

from enrollment.runtime.engine import engine_if_ready, get_engine
from enrollment.runtime.gallery import cached_gallery, current_gallery
from enrollment.runtime.notices import listener
from recognizer.errors import RecognizerError
from security.encryption.site_keys import SiteKeyUnusable, site_key_problem
from security.events import log_event

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

logger = logging.getLogger(__name__)
RETRY_S: Final = 3.0
OBJECTS: Final = 20_000
"""Made since the last look for circles of garbage, before the next one: Python's 700 are made by every other answer."""


class WarmUp:
    """The warming up of one process: at most one thread at a time, and why the last attempt failed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._last_start = float("-inf")
        self.problem: _StrOrPromise = ""
        """Why the last attempt failed, as a sentence; empty while it runs or when it worked."""

    def start(self) -> None:
        """Begin unless this process is warm, is warming up, or tried less than RETRY_S ago. Returns at once."""
        listener.start()
        with self._lock:
            now = time.monotonic()
            if is_warm() or (self._thread and self._thread.is_alive()) or now - self._last_start < RETRY_S:
                return
            self._last_start = now
            # Not a daemon: ending the process while ONNX Runtime loads would crash it.
            self._thread = threading.Thread(target=self.run, name="warm-up")
            self._thread.start()

    def run(self) -> None:
        """Warm up in the calling thread; never raises."""
        try:
            engine = get_engine()
            if problem := site_key_problem():
                raise SiteKeyUnusable(problem)
            current_gallery(engine)
        except (RecognizerError, SiteKeyUnusable) as error:
            self._remember(str(error))
        except (DatabaseError, InterfaceError):
            self._remember(_("The database does not answer, or has no tables yet (manage.py migrate)."))
            log_event(logger, "warm_up_failed", level=logging.DEBUG, exc_info=True)
        except Exception:
            # Nobody else would notice: this is the top of a thread.
            log_event(logger, "warm_up_failed", level=logging.ERROR, exc_info=True)
            self.problem = _("The engine could not be started. The server's log says why.")
        else:
            self.problem = ""
            spare_what_lasts()
            log_event(logger, "warm")
        finally:
            close_old_connections()

    def reset(self) -> None:
        """As in a process that has just started; waits for a thread that is under way."""
        if self._thread is not None:
            self._thread.join()
        self._last_start, self.problem = float("-inf"), ""

    def _remember(self, sentence: _StrOrPromise) -> None:
        if sentence != self.problem:  # once, not at every retry
            log_event(logger, "not_ready", level=logging.WARNING, problem=str(sentence))
        self.problem = sentence


def is_warm() -> bool:
    """The engine runs and the gallery of its embedding space is loaded."""
    engine = engine_if_ready()
    gallery = cached_gallery()
    return engine is not None and gallery is not None and gallery.contract_id == engine.contract_id


def spare_what_lasts() -> None:
    """What is loaded by now stays: the garbage collector need not walk through it again and again.

    400 of its looks took 0.26 s while the API answered (two cores, November 2026).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS, *gc.get_threshold()[1:])


warmup = WarmUp()
