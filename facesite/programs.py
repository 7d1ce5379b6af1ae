"""Calls of the API go a shorter way than pages: no session, no message and no form's token is looked for.

Nearly all of Django's middlewares for pages are synchronous. Each would take an asynchronous call through a thread and
back, which together cost more than what `identify` does beside the recognition (`manage.py benchmark api`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any, Final, cast

from asgiref.sync import async_to_sync
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.security import SecurityMiddleware
from django.urls import ResolverMatch, get_resolver, set_script_prefix
from django.utils import translation

from api.middleware import BELOW, ApiAnswers
from facesite.headers import SecurityHeaders
from facesite.hosts import CommonMiddleware
from facesite.sources import FromAddress

Answer = Callable[[HttpRequest], Awaitable[HttpResponseBase]]
DOCUMENTATION: Final = f"{BELOW}v1/docs"
"""A page like the others: it shows who is logged in."""


def is_call(path: str) -> bool:
    """path: without the base path."""
    return path.startswith(BELOW) and path != DOCUMENTATION


def in_place(get_response: Answer) -> Answer:
    """Django's middlewares that only compute: called where they are, without a thread."""
    security, common = SecurityMiddleware(get_response), CommonMiddleware(get_response)
    frames = XFrameOptionsMiddleware(get_response)

    async def answer(request: HttpRequest) -> HttpResponseBase:
        response: Any = security.process_request(request) or common.process_request(request)
        response = response or await get_response(request)
        for middleware in (frames, common, security):
            response = middleware.process_response(request, response)
        return response  # type: ignore[no-any-return]

    return answer


def in_plain_english(get_response: Answer) -> Answer:
    """As the sources have it: no catalogue is asked for a sentence."""

    async def answer(request: HttpRequest) -> HttpResponseBase:
        with translation.override(None):
            return await get_response(request)

    return answer


class ShortWay:
    """Of a Django handler: what stands between it and a call. Tests' programs go it too."""

    def load_middleware(self: Any, is_async: bool = False) -> None:
        """settings.MIDDLEWARE is for pages alone."""
        for kind in ("view", "template_response", "exception"):
            setattr(self, f"_{kind}_middleware", [])
        way: Any = convert_exception_to_response(self._get_response_async)
        for middleware in (in_plain_english, in_place, SecurityHeaders, ApiAnswers, FromAddress):
            way = convert_exception_to_response(middleware(way))
        self._middleware_chain = way if is_async else async_to_sync(way)

    def resolve_request(self, request: HttpRequest) -> ResolverMatch:
        """Programs ask for the same few addresses again and again."""
        request.resolver_match = found = _resolved(request.path_info)
        return found

    def make_view_atomic(self, view: Any) -> Any:
        """Services have their own transactions; Django asks at each call whether a database wants one more."""
        return view


@lru_cache(maxsize=256)
def _resolved(path: str) -> ResolverMatch:
    """Raises Resolver404."""
    return get_resolver().resolve(path)


class ApiHandler(ShortWay, ASGIHandler):
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Django's own, without a thread for each request and without the signals that would need one.

        Their work is to close connections to the database, and a call uses those of the pools. A client that goes away
        stops nothing: what was asked for is done and kept, and Daphne drops the answer.
        """
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        with body:
            set_script_prefix(get_script_prefix(scope))
            request, refused = self.create_request(scope, body)
            try:
                response = await self.run_get_response(request) if request else refused
                await self.send_response(cast(HttpResponseBase, response), send)
            finally:
                if request:
                    request.close()  # files of a form that lie on the disk


class ByPath:
    """ASGI: calls of the API here, everything else there."""

    def __init__(self, *, calls: Any, pages: Any) -> None:
        self.calls, self.pages = calls, pages

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        await (self.calls if is_call(path) else self.pages)(scope, receive, send)
