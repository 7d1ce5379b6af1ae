"""One JSON object per line, or on a terminal one line of text; no query strings, no values from exceptions.

A client's address stands in lines about failed sign-ins (security/sign_in/failures.py), and nowhere else.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import logging
import os
import re
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from security.events import log_event
from security.request_ids import current_ids

_QUERY = re.compile(r"\?[^\s\"']*")
_TRACEBACK = "Traceback (most recent call last)"
_FRAME = re.compile(r'File "([^"\n]*)", line (\d+), in (\S+)')
_as_json = json.JSONEncoder(ensure_ascii=False, default=str).encode
LIBRARY_LINES: Final = 10
"""That image libraries may say in a minute: a client can make them talk with every frame."""


class JsonFormatter(logging.Formatter):
    """time, level, logger, message, the facts of log_event() as further fields, and the ids of the request."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            **impersonal(record),
            **current_ids().fields,
        }
        return _as_json(entry)


class TextFormatter(logging.Formatter):
    """The same for whoever looks at a terminal: `18:05:09 WARNING enrollment: message name=value`."""

    def format(self, record: logging.LogRecord) -> str:
        said = impersonal(record)
        message, stack = said.pop("message"), said.pop("stack", [])
        at = datetime.fromtimestamp(record.created).astimezone()
        facts = "".join(f" {name}={value}" for name, value in said.items())
        line = f"{at:%H:%M:%S} {record.levelname} {record.name}: {message}{facts}"
        return "\n    ".join([line, *stack])


class PlainFormatter(logging.Formatter):
    """For developers: one line of text, with the event's facts as name=value."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        """The line before a call stack."""
        facts = getattr(record, "data", {})
        return super().formatMessage(record) + "".join(f" {name}={value}" for name, value in facts.items())


class NotRoutine(logging.Filter):
    """Drops answered requests and opened sockets: a first one-time password must not scroll away under them."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.name != "facesite.access" or getattr(record, "data", {}).get("status", 0) >= 500


class NotReadiness(logging.Filter):
    """Drops Django's error line for /readyz: a 503 there is an answer, and probes ask for it every few seconds."""

    def filter(self, record: logging.LogRecord) -> bool:
        return getattr(getattr(record, "request", None), "path_info", "") != "/readyz"


def impersonal(record: logging.LogRecord) -> dict[str, Any]:
    """message, the event's facts, and of an exception its type and stack: what a line may say."""
    error = record.exc_info[1] if record.exc_info else None
    message = _QUERY.sub("", record.getMessage())
    if error and str(error):  # Daphne puts the exception's text into its message
        message = message.replace(str(error), type(error).__name__)
    before, is_traceback, stack = message.partition(_TRACEBACK)
    if is_traceback:  # Daphne logs some exceptions as text
        message = before.strip() or "An exception."
    said = {"message": message, **getattr(record, "data", {})}
    if is_traceback:
        said["stack"] = [f"{file}:{line} {name}" for file, line, name in _FRAME.findall(stack)]
    return said | (describe_exception(error) if error else {})


def describe_exception(error: BaseException) -> dict[str, Any]:
    """Type and call stack. Not the exception's text: a database error may quote a person's name."""
    frames = traceback.extract_tb(error.__traceback__)
    return {
        "exception": f"{type(error).__module__}.{type(error).__qualname__}",
        "stack": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }


class FewLines:
    """A bound for lines that anybody can cause: so many a minute, and how many were left out."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._minute, self._said, self._left_out = time.monotonic(), 0, 0

    def has_room(self) -> bool:
        """Whether one more line may be written now; it counts in any case."""
        if time.monotonic() - self._minute > 60:
            self._minute, self._said = time.monotonic(), 0
        room = self._said < self._per_minute
        self._said, self._left_out = self._said + room, self._left_out + (not room)
        return room

    def take_left_out(self) -> int:
        """How many lines had no room since this was asked last."""
        left_out, self._left_out = self._left_out, 0
        return left_out


def log_action(protocol: str, action: str, details: dict[str, Any]) -> None:
    """One line for what Daphne did: method, path, status and duration, but no client address and no query string."""
    logger = logging.getLogger("facesite.access")
    data: dict[str, Any] = {"protocol": protocol, "action": action, "path": str(details["path"]).partition("?")[0]}
    if protocol == "http":
        data |= {
            "method": details["method"],
            "status": details["status"],
            "bytes": details["size"],
            "ms": round(details["time_taken"] * 1000, 1),
        }
    log_event(logger, "request", **data)


@contextlib.contextmanager
def native_lines_logged() -> Iterator[None]:
    """What C libraries write to file descriptor 2 becomes log lines; what Python writes to sys.stderr stays as it is.

    libjpeg and libpng print their warnings there, whatever OpenCV's log level is, with bytes of the client's picture.
    """
    stderr, console = sys.stderr, logging.getLogger().handlers
    own = os.fdopen(os.dup(2), "w", buffering=1, encoding="utf-8", errors="backslashreplace")
    reader, writer = os.pipe()
    os.set_blocking(writer, False)  # a library that talks too much is not heard, and never waits
    os.dup2(writer, 2)
    os.close(writer)
    ours = [handler for handler in console if isinstance(handler, logging.StreamHandler) and handler.stream is stderr]
    for handler in ours:
        handler.setStream(own)
    sys.stderr = own
    faulthandler.enable(own)  # a crash of a library is told at once: nobody would read the pipe any more
    listener = threading.Thread(target=_log_library_lines, args=(reader,), name="library-lines", daemon=True)
    listener.start()
    try:
        yield
    finally:
        os.dup2(own.fileno(), 2)  # closes the pipe's last end, which ends the listener
        listener.join(timeout=1)
        faulthandler.disable()
        sys.stderr = stderr
        for handler in ours:
            handler.setStream(stderr)
        own.close()


def _log_library_lines(reader: int) -> None:
    logger, few = logging.getLogger("facesite.libraries"), FewLines(LIBRARY_LINES)
    with os.fdopen(reader, encoding="utf-8", errors="backslashreplace") as lines:
        for line in lines:
            if few.has_room():
                text, left_out = line.strip()[:200], few.take_left_out()
                log_event(logger, "library_said", level=logging.WARNING, text=text, left_out=left_out)


def logging_config(*, debug: bool, form: str | None = None) -> dict[str, Any]:
    """Django's LOGGING. While DEBUG is on: plain text, with exceptions' texts.

    form: "json" or "text"; None: text on a terminal, where nobody collects lines, else JSON.
    """
    form = form or ("text" if sys.stderr.isatty() else "json")
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {"()": "facesite.logs.JsonFormatter"},
            "text": {"()": "facesite.logs.TextFormatter"},
            "plain": {"()": "facesite.logs.PlainFormatter"},
        },
        "filters": {
            "not_readiness": {"()": "facesite.logs.NotReadiness"},
            "not_routine": {"()": "facesite.logs.NotRoutine"},
        },
        "handlers": {
            "console": {
                "class": "logging.StreamHandler",
                "formatter": "plain" if debug else form,
                "filters": ["not_readiness", *(["not_routine"] if form == "text" and not debug else [])],
            },
        },
        "root": {"handlers": ["console"], "level": "WARNING"},
        "loggers": {
            "django": {"handlers": ["console"], "level": "INFO", "propagate": False},
            # facesite.hosts tells the same in fewer lines, and what to set.
            "django.security.DisallowedHost": {"level": "ERROR" if debug else "CRITICAL"},
            "facesite": {"level": "INFO"},
            "verification": {"level": "INFO"},
            "enrollment": {"level": "INFO"},
        },
    }
