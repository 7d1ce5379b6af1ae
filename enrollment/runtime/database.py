"""ORM work off the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import time
from collections.abc import Callable
from functools import partial
from typing import Final, ParamSpec, TypeVar

from django.conf import settings
from django.db import close_old_connections, connections

from recognizer.threads import WarmThreads

P = ParamSpec("P")
T = TypeVar("T")
KEPT_S: Final = 60.0
"""An unused connection of these threads counts as old after this time."""


def _new_pools() -> tuple[WarmThreads, WarmThreads, WarmThreads]:
    """Channels' own database_sync_to_async runs one call at a time for the whole process; these do not wait."""
    return (
        WarmThreads(4, "database"),
        WarmThreads(4, "patient"),
        WarmThreads(2 * settings.FACESITE_THREADS, "picture"),  # the API lets in fewer (api/limits.py)
    )


_database_threads, _patient_threads, _picture_threads = _new_pools()


async def run_in_database_thread(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run ORM work off the event loop, on the thread's connection.

    To a server it is closed afterwards (CONN_MAX_AGE is 0): when that stops answering, a new connection fails within
    seconds, and a kept one would wait for ever. SQLite's is kept: opening it anew, with its PRAGMAs, costs more than
    what a frame or a request of the API asks for.

    A thread cannot be interrupted: a caller that is cancelled waits until the work is done, and is cancelled then. So
    nothing is written behind the back of a socket that counts as closed.
    """
    return await _run_in(_database_threads, function, *args, **kwargs)


async def run_in_patient_thread(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """The same for work that waits by itself, such as an erasure: nobody's frame waits behind it."""
    return await _run_in(_patient_threads, function, *args, **kwargs)


async def run_in_picture_thread(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """The same for work that has a turn at the engine first (FaceEngine.in_turn): no frame's row waits behind it."""
    return await _run_in(_picture_threads, function, *args, **kwargs)


async def _run_in(pool: WarmThreads, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    context = contextvars.copy_context()  # from where this is asked, for the audit trail
    work = partial(_on_kept_connection, partial(function, *args, **kwargs))
    return await _to_the_end(asyncio.get_running_loop().run_in_executor(pool, context.run, work))


async def _to_the_end(running: asyncio.Future[T]) -> T:
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        while not running.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([running])
        raise


def _on_kept_connection(work: Callable[[], T]) -> T:
    close_old_connections()
    try:
        return work()
    finally:
        _keep_connections()


def _keep_connections() -> None:
    """SQLite's, for the thread's next work, unless they broke or were left in a transaction."""
    for connection in connections.all(initialized_only=True):
        if connection.vendor == "sqlite":
            connection.close_at = time.monotonic() + KEPT_S
    close_old_connections()


def forget_threads() -> None:
    """New threads without any connection, as a process begins. For tests: a kept one would leave a test's database."""
    global _database_threads, _patient_threads, _picture_threads
    for pool in (_database_threads, _patient_threads, _picture_threads):
        pool.shutdown(wait=False)
    _database_threads, _patient_threads, _picture_threads = _new_pools()
