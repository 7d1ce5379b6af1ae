"""One way to write a log line: a name for what happened, and its facts beside it."""

from __future__ import annotations

import logging
from typing import Any


def log_event(logger: logging.Logger, event: str, *, level: int = logging.INFO, **facts: Any) -> None:
    """Log `event` (words joined by underscores) with facts as fields of the JSON line; plain text appends them.

    Facts are ids, counts and codes, never names, pictures or vectors. `exc_info` is logging's own: True inside an
    `except` block adds the call stack.
    """
    exc_info = facts.pop("exc_info", None)
    if exc_info:
        logger.log(level, event, extra={"data": facts}, exc_info=exc_info)
    elif logger.isEnabledFor(level):
        # Logger.log() would walk up the stack for the caller's file and line, which no format of ours writes.
        logger.handle(logger.makeRecord(logger.name, level, "", 0, event, (), None, extra={"data": facts}))
