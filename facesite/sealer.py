"""Seals the audit trail while the product runs: looks once an hour whether a day is over. Every process may look."""

from __future__ import annotations

import logging
import threading
from typing import Final

from django.db import DatabaseError, InterfaceError, close_old_connections

from security.audit.sealing import seal_if_due
from security.audit.signing import AuditKeyUnusable
from security.events import log_event

logger = logging.getLogger(__name__)
FIRST_S: Final = 60.0
"""After the start: first the engine and the gallery are loaded."""
EVERY_S: Final = 3600.0


class Sealer:
    """One thread. A process that is killed while it signs leaves nothing behind: a seal is one row."""

    def __init__(self) -> None:
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="sealer", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        self._ended.set()

    def seal(self) -> None:
        """Once, if it is due; never raises: the next hour is another chance."""
        close_old_connections()
        try:
            seal_if_due()
        except AuditKeyUnusable as error:
            log_event(logger, "not_sealed", level=logging.ERROR, reason=str(error))
        except (DatabaseError, InterfaceError):
            log_event(logger, "not_sealed", level=logging.WARNING, exc_info=True)
        except Exception:
            log_event(logger, "not_sealed", level=logging.ERROR, exc_info=True)
        finally:
            close_old_connections()

    def _run(self) -> None:
        wait = FIRST_S
        while not self._ended.wait(wait):
            self.seal()
            wait = EVERY_S


sealer: Final = Sealer()
"""The process's own."""
