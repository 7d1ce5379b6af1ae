"""Every answer under /api/ has a line in the log, and says in one format what went wrong."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from api.problems import Problem, code_of_status, response_of
from security.events import log_event
from security.request_ids import current_ids

logger = logging.getLogger("facesite.api")
BELOW: Final = "/api/"


class ApiAnswers:
    """Django middleware. Pages pass it unchanged."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self.is_async:
            return self._answer(request)
        began = time.perf_counter()
        return _end(request, self.get_response(request), began)

    async def _answer(self, request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        return _end(request, await self.get_response(request), began)


def _end(request: HttpRequest, response: HttpResponseBase, began: float) -> HttpResponseBase:
    if not request.path_info.startswith(BELOW):
        return response
    if response.status_code >= 400 and "json" not in response.headers.get("Content-Type", ""):
        response = _as_problem(response)
    response.headers.setdefault("Cache-Control", "no-store")
    key = getattr(request, "api_key", None)
    log_event(
        logger,
        "api_request",
        request=current_ids().request,  # here for lines of text too
        key=key.pk if key else None,
        method=request.method,
        route=getattr(request.resolver_match, "route", ""),
        status=response.status_code,
        ms=round((time.perf_counter() - began) * 1000, 1),
    )
    return response


def _as_problem(response: HttpResponseBase) -> HttpResponseBase:
    """What Django answers by itself is a page."""
    status = response.status_code
    problem = response_of(Problem(status, code_of_status(status)))
    for name in ("Allow", "Retry-After"):
        if name in response.headers:
            problem[name] = response.headers[name]
    return problem
