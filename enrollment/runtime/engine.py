"""The process's one engine: loaded when somebody first asks, changed when an operator switches packs."""

from __future__ import annotations

import logging
import threading
import time

from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections

from enrollment.runtime.gallery import gallery_for
from enrollment.runtime.pack_choice import chosen_pack_name, newest_switch
from recognizer.engine import FaceEngine
from recognizer.errors import RecognizerError
from recognizer.types import RecognizerConfig
from security.events import log_event

logger = logging.getLogger("facesite.packs")

SWITCH_CHECK_SECONDS = 1.0
"""How long a process may go on with a pack after an operator switched to another one."""
RETRY_SECONDS = 30.0
"""After a switch that this process could not follow (the pack's files are missing on its machine, say)."""


class SharedEngine:
    """Holds the engine that every caller in this process shares, and the thread that follows a switch of packs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._engine: FaceEngine | None = None
        self._next_check = 0.0
        self._follower: threading.Thread | None = None

    def get(self) -> FaceEngine:
        """The started engine; may read the database. Raises PackError (PackNotInstalled, ...) when no pack can be used.

        After an operator switched packs it is the old engine until the new one is warm, then the new one. Hold on to
        it for one task, not for ever. Nobody closes the old engine; it goes when its last user lets go of it.
        """
        with self._lock:
            if self._engine is None:
                self._engine = start_engine(chosen_pack_name())
                self._next_check = time.monotonic() + SWITCH_CHECK_SECONDS
            elif time.monotonic() >= self._next_check:
                self._next_check = time.monotonic() + SWITCH_CHECK_SECONDS
                self._follow_switch(self._engine)
            return self._engine

    def if_ready(self) -> FaceEngine | None:
        """The engine if somebody has started it already; never loads anything."""
        return self._engine

    def reset(self) -> None:
        """Close the engine, after a switch that is under way. The next get() starts a new one."""
        self.join_follower()
        with self._lock:
            if self._engine is not None:
                self._engine.close()
            self._engine = None

    def join_follower(self) -> None:
        """Wait for a switch that is under way; returns at once when there is none."""
        follower = self._follower
        if follower is not None:
            follower.join()

    def _follow_switch(self, engine: FaceEngine) -> None:
        """Begin to load the pack that an operator switched to, if it is another one. The caller holds the lock."""
        if settings.FACESITE_MODEL_PACK or (self._follower is not None and self._follower.is_alive()):
            return
        try:
            switch = newest_switch()
        except (DatabaseError, InterfaceError):  # the next check asks again; whoever needs the database will notice
            return
        if switch is not None and switch.contract_id != engine.contract_id:
            # Not a daemon: ending the process while ONNX Runtime loads would crash it.
            self._follower = threading.Thread(target=self._change_to, args=(switch.pack,), name="pack-switch")
            self._follower.start()

    def _change_to(self, pack: str) -> None:
        try:
            fresh = start_engine(pack)
            gallery_for(fresh.contract_id, fresh.dimension)  # before anybody waits for it
        except (RecognizerError, DatabaseError, InterfaceError) as error:
            reason = str(error) if isinstance(error, RecognizerError) else type(error).__name__
            log_event(logger, "switch_failed", level=logging.ERROR, pack=pack, error=reason)
            self._next_check = time.monotonic() + RETRY_SECONDS
            return
        finally:
            close_old_connections()
        with self._lock:
            self._engine = fresh
        log_event(logger, "switched", pack=pack)


def start_engine(pack: str | None) -> FaceEngine:
    """A new engine on that pack (None: the best installed one); the caller closes it. Raises PackError."""
    engine = FaceEngine(engine_config(pack))
    engine.startup()
    if engine.device_problem:
        log_event(logger, "device_not_used", level=logging.WARNING, problem=engine.device_problem)
    return engine


def engine_config(pack: str | None) -> RecognizerConfig:
    """What the settings say about the engine, for that pack."""
    return RecognizerConfig(
        models_dir=settings.FACESITE_MODELS_DIR,
        pack=pack,
        threads=settings.FACESITE_THREADS,
        device=settings.FACESITE_DEVICE,
    )


shared = SharedEngine()
get_engine, engine_if_ready, reset_engine = shared.get, shared.if_ready, shared.reset
