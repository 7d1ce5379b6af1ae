"""Starts the engine and loads the gallery in the background, so that the first visitor does not wait for it.

`serve` and `runserver` call start(); /readyz calls it too, so that a pack installed later, or a database that comes
back, is noticed without a restart.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Final

from django.db import DatabaseError, InterfaceError, close_old_connections

from enrollment.runtime.engine import engine_if_ready, get_engine
from enrollment.runtime.gallery import cached_gallery, current_gallery
from recognizer.errors import RecognizerError

logger = logging.getLogger(__name__)
RETRY_S: Final = 3.0

_lock = threading.Lock()
_thread: threading.Thread | None = None
_last_start = float("-inf")
_problem = ""


def start() -> None:
    """Begin warming up unless this process is warm, is at it, or tried less than RETRY_S ago. Returns at once."""
    global _thread, _last_start
    with _lock:
        now = time.monotonic()
        if is_warm() or (_thread and _thread.is_alive()) or now - _last_start < RETRY_S:
            return
        _last_start = now
        # Not a daemon: ending the process while ONNX Runtime loads would crash it.
        _thread = threading.Thread(target=warm_up, name="warm-up")
        _thread.start()


def is_warm() -> bool:
    engine = engine_if_ready()
    gallery = cached_gallery()
    return engine is not None and gallery is not None and gallery.contract_id == engine.contract_id


def problem() -> str:
    """Why the last attempt failed, as a sentence; empty while it runs or when it worked."""
    return _problem


def warm_up() -> None:
    global _problem
    try:
        current_gallery(get_engine())
    except RecognizerError as error:
        _remember(str(error))
    except (DatabaseError, InterfaceError) as error:
        _remember("The database does not answer, or has no tables yet (manage.py migrate).")
        logger.debug("warm-up", exc_info=error)
    except Exception:
        # Nobody else would notice: this is the top of a thread.
        logger.exception("The warm-up failed.")
        _problem = "The engine could not be started. The server's log says why."
    else:
        _problem = ""
        logger.info("The engine is warm and the gallery is loaded.")
    finally:
        close_old_connections()


def _remember(sentence: str) -> None:
    global _problem
    if sentence != _problem:  # once, not at every retry
        logger.warning(sentence)
    _problem = sentence
