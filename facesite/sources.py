"""Audit rows of a request or a socket say from which address it came."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponseBase

from security.addresses import client_address
from security.source import coming_from

UNKNOWN = "unknown address"
"""A Unix socket's client has none."""


def source_of_scope(scope: Mapping[str, Any]) -> str:
    """The client's address, of an ASGI scope."""
    headers = [value.decode("latin1") for name, value in scope.get("headers", ()) if name == b"x-forwarded-for"]
    client = scope.get("client") or ("",)
    return client_address({"REMOTE_ADDR": client[0], "HTTP_X_FORWARDED_FOR": ",".join(headers)}) or UNKNOWN


class FromAddress:
    """Django middleware: what a request changes is on record as coming from its client's address."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        source = client_address(request.META) or UNKNOWN
        if self.is_async:
            return self._answer(request, source)
        with coming_from(source):
            response: HttpResponseBase = self.get_response(request)
            return response

    async def _answer(self, request: HttpRequest, source: str) -> HttpResponseBase:
        with coming_from(source):  # every thread of this request gets a copy of the context
            response: HttpResponseBase = await self.get_response(request)
            return response


class SocketFromAddress:
    """ASGI middleware for sockets: the same, for as long as the socket lives."""

    def __init__(self, application: Callable[..., Awaitable[None]]) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        with coming_from(source_of_scope(scope)):
            await self.application(scope, receive, send)
