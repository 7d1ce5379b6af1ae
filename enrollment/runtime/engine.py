"""The process's one engine.

A lazy singleton: nothing is loaded until somebody asks. Tests call reset_engine().
"""

from __future__ import annotations

import logging
import threading
import time

from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections

from enrollment.runtime.gallery import gallery_for
from enrollment.runtime.pack_choice import chosen_pack_name, newest_switch
from recognizer.engine import FaceEngine
from recognizer.errors import PackError
from recognizer.types import RecognizerConfig

logger = logging.getLogger("facesite.packs")

SWITCH_CHECK_SECONDS = 1.0
"""How long a process may go on with a pack after an operator switched to another one."""
RETRY_SECONDS = 30.0
"""After a switch that this process could not follow (the pack's files are missing on its machine, say)."""

_lock = threading.Lock()
_engine: FaceEngine | None = None
_next_check = 0.0
_follower: threading.Thread | None = None


def get_engine() -> FaceEngine:
    """The started engine; may read the database. Raises PackError (PackNotInstalled, ...) when no pack can be used.

    After an operator switched packs it is the old engine until the new one is warm, then the new one: hold on to it for
    one task, not for ever. Nobody closes the old one; it goes with the last who uses it.
    """
    global _engine, _next_check
    with _lock:
        if _engine is None:
            _engine = start_engine(chosen_pack_name())
            _next_check = time.monotonic() + SWITCH_CHECK_SECONDS
        elif time.monotonic() >= _next_check:
            _next_check = time.monotonic() + SWITCH_CHECK_SECONDS
            _follow_switch(_engine)
        return _engine


def engine_if_ready() -> FaceEngine | None:
    """The engine if somebody has started it already; never loads anything."""
    return _engine


def reset_engine() -> None:
    global _engine
    follower = _follower
    if follower is not None:
        follower.join()
    with _lock:
        if _engine is not None:
            _engine.close()
        _engine = None


def start_engine(pack: str | None) -> FaceEngine:
    """An engine of one's own on that pack (None: the best installed one); the caller closes it. Raises PackError."""
    engine = FaceEngine(engine_config(pack))
    engine.startup()
    return engine


def engine_config(pack: str | None) -> RecognizerConfig:
    return RecognizerConfig(models_dir=settings.FACESITE_MODELS_DIR, pack=pack, threads=settings.FACESITE_THREADS)


def _follow_switch(engine: FaceEngine) -> None:
    """Begin to load the pack that an operator switched to, if that is another one. The caller holds the lock."""
    global _follower
    if settings.FACESITE_MODEL_PACK or (_follower is not None and _follower.is_alive()):
        return
    try:
        switch = newest_switch()
    except (DatabaseError, InterfaceError):  # the next check asks again; whoever needs the database notices by himself
        return
    if switch is not None and switch.contract_id != engine.contract_id:
        # Not a daemon: ending the process while ONNX Runtime loads would crash it.
        _follower = threading.Thread(target=_change_engine, args=(switch.pack,), name="pack-switch")
        _follower.start()


def _change_engine(pack: str) -> None:
    global _engine, _next_check
    try:
        fresh = start_engine(pack)
        gallery_for(fresh.contract_id, fresh.dimension)  # before anybody waits for it
    except (PackError, DatabaseError, InterfaceError) as error:
        logger.error("event=switch_failed pack=%s: %s", pack, error)
        _next_check = time.monotonic() + RETRY_SECONDS
        return
    finally:
        close_old_connections()
    with _lock:
        _engine = fresh
    logger.info("event=switched pack=%s", pack)
