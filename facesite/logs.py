"""One JSON object per line, without personal data: no query strings, no client addresses, no values from exceptions."""

from __future__ import annotations

import json
import logging
import re
import traceback
from datetime import UTC, datetime
from typing import Any

from enrollment.events import log_event

_QUERY = re.compile(r"\?[^\s\"']*")


class JsonFormatter(logging.Formatter):
    """time, level, logger, message, and the facts of log_event() as further fields."""

    def format(self, record: logging.LogRecord) -> str:
        error = record.exc_info[1] if record.exc_info else None
        message = _QUERY.sub("", record.getMessage())
        if error and str(error):  # Daphne puts the exception's text into its message
            message = message.replace(str(error), type(error).__name__)
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": message,
            **getattr(record, "data", {}),
            **(describe_exception(error) if error else {}),
        }
        return json.dumps(entry, ensure_ascii=False, default=str)


class PlainFormatter(logging.Formatter):
    """For developers: one line of text, with the event's facts as name=value."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        """The line before a call stack."""
        facts = getattr(record, "data", {})
        return super().formatMessage(record) + "".join(f" {name}={value}" for name, value in facts.items())


class NotReadiness(logging.Filter):
    """Drops Django's error line for /readyz: a 503 there is an answer, and probes ask for it every few seconds."""

    def filter(self, record: logging.LogRecord) -> bool:
        return getattr(getattr(record, "request", None), "path", "") != "/readyz"


def describe_exception(error: BaseException) -> dict[str, Any]:
    """Type and call stack. Not the exception's text: a database error may quote a person's name."""
    frames = traceback.extract_tb(error.__traceback__)
    return {
        "exception": f"{type(error).__module__}.{type(error).__qualname__}",
        "stack": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }


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


def logging_config(*, debug: bool) -> dict[str, Any]:
    """Django's LOGGING: JSON lines on stderr, plain text with exception texts while DEBUG is on."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {"()": "facesite.logs.JsonFormatter"},
            "plain": {"()": "facesite.logs.PlainFormatter"},
        },
        "filters": {"not_readiness": {"()": "facesite.logs.NotReadiness"}},
        "handlers": {
            "console": {
                "class": "logging.StreamHandler",
                "formatter": "plain" if debug else "json",
                "filters": ["not_readiness"],
            },
        },
        "root": {"handlers": ["console"], "level": "WARNING"},
        "loggers": {
            "django": {"handlers": ["console"], "level": "INFO", "propagate": False},
            "facesite": {"level": "INFO"},
            "verification": {"level": "INFO"},
            "enrollment": {"level": "INFO"},
        },
    }
