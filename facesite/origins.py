"""Sockets take the origins that forms take: this very site, with its scheme and port, or one of CSRF_TRUSTED_ORIGINS.

A browser names the page's origin in every handshake, and sends this site's cookies whatever page that is.
"""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable
from typing import Any

from channels.security.websocket import WebsocketDenier
from django.core.handlers.asgi import ASGIRequest
from django.middleware.csrf import CsrfViewMiddleware


class SameOrigin:
    """ASGI middleware for sockets: any other origin, or none, is refused in the handshake (HTTP 403)."""

    def __init__(self, application: Callable[..., Awaitable[None]]) -> None:
        self.application = application
        self.deny = WebsocketDenier.as_asgi()

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        application = self.application if is_same_origin(scope) else self.deny
        await application(scope, receive, send)


def is_same_origin(scope: dict[str, Any]) -> bool:
    """As Django decides for forms: by Host, which must be allowed, and by the proxy's scheme only behind a proxy."""
    scheme = "https" if scope.get("scheme") == "wss" else "http"
    request = ASGIRequest({**scope, "type": "http", "method": "GET", "scheme": scheme}, io.BytesIO())
    if "HTTP_ORIGIN" not in request.META:
        return False
    return bool(CsrfViewMiddleware(lambda _: None)._origin_verified(request))  # type: ignore[attr-defined,arg-type]
