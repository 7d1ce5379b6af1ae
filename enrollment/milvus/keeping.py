"""The thread of a serving process that keeps the engine level, and notices when it goes away and comes back."""

from __future__ import annotations

import logging
import time
from typing import Final

from django.db import DatabaseError, InterfaceError, transaction

from enrollment.milvus import delivering
from enrollment.milvus.shared import is_in_use, shared_client
from enrollment.runtime.gallery import mark_gallery_stale
from recognizer.errors import GalleryAway
from security.background import Background
from security.events import log_event
from security.leases import LeaseLost, LeaseTaken

POLL_S: Final = 1.0
JOIN_S: Final = 10.0
BETWEEN_S: Final = 5.0
"""A command that changes many people tells the engine this often, and leaves the rest to a serving process."""
logger = logging.getLogger("facesite.gallery")


class Keeper(Background):
    """Each serving process looks once a second and after each change; the one that holds the lease delivers."""

    def __init__(self) -> None:
        super().__init__("gallery-keeper", every_s=POLL_S, join_s=JOIN_S)
        self._was_away: bool | None = None
        self._is_checked = False
        self.is_running = False
        self._last_delivery = float("-inf")

    def start(self) -> None:
        self.is_running = is_in_use()
        if self.is_running:
            super().start()

    def stop(self) -> None:
        super().stop()
        self.is_running = False

    def look(self) -> None:
        """What is in the way now may be gone next time."""
        self._note_whether_away()
        if self._was_away:
            return
        try:
            if not self._is_checked:
                delivering.check_rows()
                self._is_checked = True
            if delivering.work_is_due() and delivering.deliver():
                mark_gallery_stale()
        except (GalleryAway, LeaseTaken, LeaseLost):
            return
        except (DatabaseError, InterfaceError):
            log_event(logger, "gallery_waits", level=logging.DEBUG, exc_info=True)
        except Exception:  # the top of a thread: nobody else would notice
            log_event(logger, "gallery_delivery_failed", level=logging.ERROR, exc_info=True)

    def after_commit(self) -> None:
        """Something changed in this process. Never raises, and holds up nobody who serves."""
        if not is_in_use():
            return
        if self.is_running:
            self.wake()
        elif time.monotonic() - self._last_delivery >= BETWEEN_S and not transaction.get_connection().in_atomic_block:
            self._last_delivery = time.monotonic()
            self.look()

    def _note_whether_away(self) -> None:
        failed = shared_client().is_away  # a search may have met what this look does not
        away = not shared_client().answers()
        self._is_checked &= not (failed or away)
        if away != self._was_away:
            level = logging.WARNING if away else logging.INFO
            log_event(logger, "gallery_engine_away" if away else "gallery_engine_answers", level=level)
            mark_gallery_stale()  # another way of searching may be open now
        self._was_away = away


keeper = Keeper()
