"""Which request is being handled: the id that its answer and its log lines have, and the trace it belongs to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from secrets import token_hex
from typing import Final, NamedTuple

REQUEST_ID: Final = "X-Request-Id"
TRACE_PARENT: Final = "traceparent"
"""The header of W3C's Trace Context, which OpenTelemetry's programs and proxies send along."""
_ACCEPTABLE: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_TRACE: Final = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


class RequestIds(NamedTuple):
    """Empty where there is none."""

    request: str = ""
    trace: str = ""

    @property
    def fields(self) -> dict[str, str]:
        """Of a log line. `trace_id` is OpenTelemetry's own name for it."""
        named = {"request": self.request, "trace_id": self.trace}
        return {name: value for name, value in named.items() if value}


NONE: Final = RequestIds()
"""Of what the site does by itself."""
_current: ContextVar[RequestIds] = ContextVar("request_ids", default=NONE)


def ids_for(given: str, trace_parent: str) -> RequestIds:
    """given: the client's X-Request-Id, which is used where it is one word. Whatever else clients send is ignored."""
    trace = _TRACE.fullmatch(trace_parent)
    return RequestIds(given if _ACCEPTABLE.fullmatch(given) else token_hex(16), trace[1] if trace else "")


def current_ids() -> RequestIds:
    return _current.get()


@contextmanager
def handling(ids: RequestIds) -> Iterator[None]:
    """Log lines written inside carry these ids. Threads take them along with contextvars' context."""
    token = _current.set(ids)
    try:
        yield
    finally:
        _current.reset(token)
