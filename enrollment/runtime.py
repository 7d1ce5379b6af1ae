"""The process's one engine and the executor for database work from consumers.

A lazy singleton: nothing is loaded until somebody asks. Tests call reset_engine().
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.conf import settings
from django.db import close_old_connections

from recognizer.engine import FaceEngine
from recognizer.types import RecognizerConfig

P = ParamSpec("P")
T = TypeVar("T")

_lock = threading.Lock()
_engine: FaceEngine | None = None
# Channels' own database_sync_to_async runs one call at a time for the whole process; these four do not wait
# for each other.
_database_threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="database")


def get_engine() -> FaceEngine:
    """The started engine. Raises PackError (PackNotInstalled, ...) when no model pack can be used."""
    global _engine
    with _lock:
        if _engine is None:
            engine = FaceEngine(engine_config())
            engine.startup()
            _engine = engine
        return _engine


def engine_if_ready() -> FaceEngine | None:
    """The engine if somebody has started it already; never loads anything."""
    return _engine


def reset_engine() -> None:
    global _engine
    with _lock:
        if _engine is not None:
            _engine.close()
        _engine = None


def engine_config() -> RecognizerConfig:
    return RecognizerConfig(
        models_dir=settings.FACESITE_MODELS_DIR,
        pack=settings.FACESITE_MODEL_PACK,
        threads=settings.FACESITE_THREADS,
    )


async def run_in_database_thread(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run ORM work off the event loop, on a connection that is closed afterwards (CONN_MAX_AGE is 0)."""

    def work() -> T:
        close_old_connections()
        try:
            return function(*args, **kwargs)
        finally:
            close_old_connections()

    return await asyncio.get_running_loop().run_in_executor(_database_threads, work)
