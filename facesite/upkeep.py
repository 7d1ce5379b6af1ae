"""What the running product does for encryption at rest, in the background and a few rows at a time.

It encrypts faces that older versions wrote in plain, seals anew what they sealed with SECRET_KEY, and goes on with a
rotation of the site key that was begun. Several processes may do so at once: each row is locked while it changes, and
whoever comes later finds nothing to do.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Final

from django.db import DatabaseError, InterfaceError

from enrollment.samples.encrypting import OLDER_COLUMNS as ENROLLMENT_COLUMNS
from security.background import Background
from security.encryption.older import is_sealed, seal_older
from security.encryption.rotating import retire_old_keys, rotate, rotation_begun
from security.encryption.site_keys import SiteKeyUnusable
from security.events import log_event
from security.sign_in.sealing import seal_older_secrets
from verification.review.encrypting import OLDER_COLUMNS as VERIFICATION_COLUMNS

logger = logging.getLogger(__name__)
COLUMNS: Final = (*ENROLLMENT_COLUMNS, *VERIFICATION_COLUMNS)
"""Every encrypted column."""
EVERY_S: Final = 300.0
BREATH_S: Final = 0.02
"""Between two batches, for live pages."""


class Upkeep(Background):
    """One thread of a serving process. stop() waits for the batch that is under way."""

    def __init__(self) -> None:
        super().__init__("upkeep", every_s=EVERY_S, join_s=None)

    def look(self) -> None:
        try:
            self.work()
        except SiteKeyUnusable as error:
            log_event(logger, "site_key_unusable", level=logging.ERROR, problem=str(error))
        except (DatabaseError, InterfaceError):
            log_event(logger, "upkeep_postponed", level=logging.WARNING)
        except Exception:  # the top of a thread: nobody else would notice
            log_event(logger, "upkeep_failed", level=logging.ERROR, exc_info=True)

    def work(self) -> None:
        """All that is left to do now, unless stop() is called. Raises SiteKeyUnusable, DatabaseError."""
        if not is_sealed():
            total = self._all_of(seal_older(COLUMNS))
            log_event(logger, "older_faces_encrypted", values=total)
        seal_older_secrets()
        if rotation_begun():
            total = self._all_of(rotate())
            log_event(logger, "site_key_rotated", keys=total)
        retire_old_keys()

    def _all_of(self, batches: Iterator[int]) -> int:
        total = 0
        for number in batches:
            total += number
            if self._stopping.wait(BREATH_S):
                break
        return total


upkeep = Upkeep()
