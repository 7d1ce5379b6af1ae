"""What a visitor is told while the database is away or full: a 503 page or a word on the socket, never a bare 500.

Pages also say so while the gallery is being loaded.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import translation
from django.views import defaults

from enrollment.reasons import sentence_for, sentence_of
from enrollment.runtime.outages import outage_code
from enrollment.streaming.sockets import CLOSE_TRY_LATER
from facesite.languages import accepted_by, language_of
from recognizer.errors import EngineNotReady
from security.languages import language_for

RETRY_AFTER_S = 5


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500, called while the exception is being handled."""
    with translation.override(language_of(request)):
        return _page_about_it(request)


def _page_about_it(request: HttpRequest) -> HttpResponse:
    error = sys.exc_info()[1]
    code = outage_code(error)
    if code is None and not isinstance(error, EngineNotReady):
        return defaults.server_error(request)
    # Without the request: what it adds to a page's context asks the database.
    page = render_to_string("503.html", {"sentence": sentence_for(code) if code else sentence_of(error)})
    return HttpResponse(page, status=503, headers={"Retry-After": str(RETRY_AFTER_S)})


class SocketOutage:
    """Around the login of sockets: a handshake while the database is away is told so, and to come again."""

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        answered = False

        async def note_and_send(message: Any) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await self.application(scope, receive, note_and_send)
        except Exception as error:
            code = outage_code(error)
            if code is None or answered:
                raise
            with translation.override(language_for(None, accepted_by(scope))):
                await _refuse(code, send)


async def _refuse(code: str, send: Any) -> None:
    # Accept first: a browser is not told the close code of a refused handshake.
    await send({"type": "websocket.accept"})
    message = {"type": "error", "code": code, "message": sentence_for(code)}
    await send({"type": "websocket.send", "text": json.dumps(message)})
    await send({"type": "websocket.close", "code": CLOSE_TRY_LATER})
