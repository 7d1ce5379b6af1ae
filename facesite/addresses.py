"""From which address a request or a socket comes, for the audit trail."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from ipaddress import ip_address
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from security.audit.source import coming_from

UNKNOWN = "unknown address"
"""A Unix socket's client has none."""


def client_address(peer: str, forwarded_for: str) -> str:
    """The client's address. peer: who opened the connection. forwarded_for: the X-Forwarded-For header, or "".

    The header is believed only behind a proxy (FACESITE_HTTPS=proxy), and of it only the last address, which is what
    the proxy itself saw; those before it are whatever the client likes.
    """
    claimed = forwarded_for.rpartition(",")[2].strip() if settings.FACESITE_HTTPS == "proxy" else ""
    return _address(claimed) or _address(peer) or UNKNOWN


def address_of_scope(scope: Mapping[str, Any]) -> str:
    """Of an ASGI scope."""
    headers = [value.decode("latin1") for name, value in scope.get("headers", ()) if name == b"x-forwarded-for"]
    return client_address((scope.get("client") or ("",))[0], ",".join(headers))


class FromAddress:
    """Django middleware: what a request changes is on record as coming from its client's address."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        meta = request.META
        address = client_address(meta.get("REMOTE_ADDR", ""), meta.get("HTTP_X_FORWARDED_FOR", ""))
        if self.is_async:
            return self._answer(request, address)
        with coming_from(address):
            response: HttpResponseBase = self.get_response(request)
            return response

    async def _answer(self, request: HttpRequest, address: str) -> HttpResponseBase:
        with coming_from(address):  # every thread of this request gets a copy of the context
            response: HttpResponseBase = await self.get_response(request)
            return response


class SocketFromAddress:
    """ASGI middleware for sockets: the same, for as long as the socket lives."""

    def __init__(self, application: Callable[..., Awaitable[None]]) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        with coming_from(address_of_scope(scope)):
            await self.application(scope, receive, send)


def _address(text: str) -> str:
    """Without port, brackets and zone; empty for what is no address."""
    text = text.strip().strip("[]").partition("%")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return ""
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
