"""Every request and every socket has an id, which the answer to a request and the lines of the log say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from security.request_ids import REQUEST_ID, TRACE_PARENT, RequestIds, handling, ids_for

_READ: Final = (REQUEST_ID.lower().encode(), TRACE_PARENT.encode())
_ANSWERED: Final = REQUEST_ID.encode()


class WithIds:
    """ASGI, around everything: so the lines about an answer, which Django and Daphne write last, have the ids too."""

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        ids = ids_of(scope.get("headers", ()))

        async def name_and_send(message: Any) -> None:
            if message["type"] == "http.response.start":
                named = (_ANSWERED, ids.request.encode())
                message = {**message, "headers": [*message.get("headers", ()), named]}
            await send(message)

        with handling(ids):
            await self.application(scope, receive, name_and_send if scope["type"] == "http" else send)


def ids_of(headers: Iterable[tuple[bytes, bytes]]) -> RequestIds:
    """Names in lower case. Who sends a header twice has said nothing: nobody could tell which of them is meant."""
    found = [each for each in headers if each[0] in _READ]
    once = dict(found)
    given = once if len(once) == len(found) else {}
    return ids_for(*(given.get(name, b"").decode("latin1") for name in _READ))
