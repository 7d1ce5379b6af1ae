"""What an erasure still leaves in SQLite's log."""

from __future__ import annotations

import logging

from django.db import connection, transaction

from security.events import log_event

logger = logging.getLogger("facesite.database")
TRACE_PATIENCE_MS = 2_000
"""How long the emptying of SQLite's log waits for readers of older pages, while other writers wait for it."""


def leave_no_traces() -> None:
    """After the commit of an erasure, take what was erased out of SQLite's write-ahead log too.

    The database file itself is overwritten (secure_delete), but the log keeps older pages until it is emptied. Other
    databases have logs that only their administrator can empty: docs/deployment.md says how.
    """
    if connection.vendor == "sqlite":
        transaction.on_commit(_empty_log)


def _empty_log() -> None:
    """PRAGMA wal_checkpoint(TRUNCATE): https://www.sqlite.org/pragma.html#pragma_wal_checkpoint."""
    with connection.cursor() as cursor:
        before = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
        cursor.execute(f"PRAGMA busy_timeout = {TRACE_PATIENCE_MS}")
        try:
            busy = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {int(before)}")
    if busy:  # a reader held on to older pages; the next erasure, or the end of the last connection, empties it
        log_event(logger, "log_not_emptied", level=logging.WARNING)
