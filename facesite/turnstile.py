"""So many requests at once, the others wait.

Django under ASGI gives every request a thread of its own, and with it a connection to the database: a burst of 300
pages asked for more than the 151 connections that a MariaDB has, and most of them failed.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from api.middleware import BELOW as API

PAGES: Final = 16
"""One process cannot do more at once than its cores; the rest of these wait for the database."""
SIGN_INS: Final = 4
"""Passwords are checked a few at a time (security/sign_in/checking.py): who waits for that holds no page's place."""
PROGRAMS: Final = 128
"""Requests of the API, which need a connection to the database only for moments (runtime/database.py has four of
them), and refuse by themselves what is too much (api/limits.py): waiting here would hide that."""
PROBES: Final = 2
PROBE_PATHS: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""They have places of their own: a burst of pages must not look like a dead process."""
SIGN_IN_PATHS: Final = frozenset({"/accounts/login/", "/admin/login/"})


class Turnstile:
    def __init__(self, application: Any) -> None:
        self.application = application
        self._pages = asyncio.Semaphore(PAGES)
        self._programs = asyncio.Semaphore(PROGRAMS)
        self._probes = asyncio.Semaphore(PROBES)
        self._sign_ins = asyncio.Semaphore(SIGN_INS)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        places = self._places_for(scope)
        await places.acquire()
        held = [places]

        def leave() -> None:
            while held:
                held.pop().release()

        async def leave_and_send(message: Any) -> None:
            if is_stream(message):
                leave()
            await send(message)

        try:
            await self.application(scope, receive, leave_and_send)
        finally:
            leave()

    def _places_for(self, scope: Any) -> asyncio.Semaphore:
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if path in PROBE_PATHS:
            return self._probes
        if path.startswith(API):
            return self._programs
        if scope["method"] == "POST" and path in SIGN_IN_PATHS:
            return self._sign_ins
        return self._pages


def is_stream(message: dict[str, Any]) -> bool:
    """Whether an answer begins whose length nobody knows: a download, which lasts as long as its client likes.

    Its work is done in small pieces (security.web.download), and it keeps no connection to the database.
    """
    if message["type"] != "http.response.start":
        return False
    return all(name.lower() != b"content-length" for name, _ in message.get("headers", ()))
