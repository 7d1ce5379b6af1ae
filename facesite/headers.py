"""The security headers that Django has no setting for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

CONTENT_SECURITY_POLICY = "; ".join(
    [
        # Not 'none': Firefox has no other rule for <use href="sprite.svg#...">, which draws the icons.
        "default-src 'self'",
        "object-src 'none'",
        "frame-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "manifest-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ]
)
PERMISSIONS_POLICY = "camera=(self), microphone=(), geolocation=(), display-capture=(), payment=(), usb=()"


class SecurityHeaders:
    """Adds Content-Security-Policy and Permissions-Policy, and keeps pages with personal data out of caches."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self.is_async:
            return self._answer(request)
        return add_headers(self.get_response(request))

    async def _answer(self, request: HttpRequest) -> HttpResponseBase:
        return add_headers(await self.get_response(request))


def add_headers(response: HttpResponseBase) -> HttpResponseBase:
    """Set the headers on a response, unless its view has set them already. Returns the same response."""
    # Django's debug pages bring their styles and scripts inline.
    if not (settings.DEBUG and response.status_code >= 400):
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
    response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
    if response.headers.get("Content-Type", "").startswith("text/html"):
        response.headers.setdefault("Cache-Control", "no-store")
    return response
