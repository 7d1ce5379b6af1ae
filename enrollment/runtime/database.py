"""ORM work off the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import close_old_connections

P = ParamSpec("P")
T = TypeVar("T")

# Channels' own database_sync_to_async runs one call at a time for the whole process; these four do not wait
# for each other.
_database_threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="database")
_patient_threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="patient")


async def run_in_database_thread(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run ORM work off the event loop, on a connection that is closed afterwards (CONN_MAX_AGE is 0).

    A thread cannot be interrupted: a caller that is cancelled waits until the work is done, and is cancelled then. So
    nothing is written behind the back of a socket that counts as closed.
    """
    return await _run_in(_database_threads, function, *args, **kwargs)


async def run_in_patient_thread(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """The same for work that waits by itself, such as an erasure: nobody's frame waits behind it."""
    return await _run_in(_patient_threads, function, *args, **kwargs)


async def _run_in(pool: ThreadPoolExecutor, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    def work() -> T:
        close_old_connections()
        try:
            return function(*args, **kwargs)
        finally:
            close_old_connections()

    context = contextvars.copy_context()  # from where this is asked, for the audit trail
    running = asyncio.get_running_loop().run_in_executor(pool, context.run, work)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        while not running.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([running])
        raise
