"""HTTPS settings, and the response headers that Django has no setting for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

HTTPS_MODES = ("off", "on", "proxy")
YEAR_S = 365 * 24 * 3600

CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
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


def https_settings(mode: str) -> dict[str, Any]:
    """Django settings for `off` (plain http on localhost), `on` (Daphne has a certificate) or `proxy` (a proxy has one).

    Only behind a proxy may X-Forwarded-Proto be believed: it must set or strip that header.
    """
    secure = mode != "off"
    chosen: dict[str, Any] = {
        "FACESITE_HTTPS": mode,
        "SESSION_COOKIE_SECURE": secure,
        "CSRF_COOKIE_SECURE": secure,
        "SECURE_SSL_REDIRECT": secure,
        "SECURE_HSTS_SECONDS": YEAR_S if secure else 0,
    }
    if mode == "proxy":
        chosen["SECURE_PROXY_SSL_HEADER"] = ("HTTP_X_FORWARDED_PROTO", "https")
    return chosen


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
    # Django's debug pages bring their styles and scripts inline.
    if not (settings.DEBUG and response.status_code >= 400):
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
    response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
    if response.headers.get("Content-Type", "").startswith("text/html"):
        response.headers.setdefault("Cache-Control", "no-store")
    return response
