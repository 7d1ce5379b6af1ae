"""ORM work off the event loop, and what an erasure still leaves in SQLite's log."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import close_old_connections, connection, transaction

from enrollment.events import log_event

P = ParamSpec("P")
T = TypeVar("T")

logger = logging.getLogger("facesite.database")
TRACE_PATIENCE_MS = 2_000
"""How long the emptying of SQLite's log waits for readers of older pages, while other writers wait for it."""

# Channels' own database_sync_to_async runs one call at a time for the whole process; these four do not wait
# for each other.
_database_threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="database")


async def run_in_database_thread(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run ORM work off the event loop, on a connection that is closed afterwards (CONN_MAX_AGE is 0).

    A thread cannot be interrupted: a caller that is cancelled waits until the work is done, and is cancelled then. So
    nothing is written behind the back of a socket that counts as closed.
    """

    def work() -> T:
        close_old_connections()
        try:
            return function(*args, **kwargs)
        finally:
            close_old_connections()

    running = asyncio.get_running_loop().run_in_executor(_database_threads, work)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        while not running.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([running])
        raise


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
