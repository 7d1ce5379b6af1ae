"""Every answer under /api/ has a request id, which the log has too, and says in one format what went wrong."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import uuid4

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from api.problems import Problem, code_of_status, response_of
from security.events import log_event

logger = logging.getLogger("facesite.api")
BELOW: Final = "/api/"
REQUEST_ID: Final = "X-Request-Id"
ACCEPTABLE: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


class ApiAnswers:
    """Django middleware. A client's own X-Request-Id is used where it is one word."""

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
        _begin(request)
        return _end(request, self.get_response(request), began)

    async def _answer(self, request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        _begin(request)
        return _end(request, await self.get_response(request), began)


def request_id_of(request: HttpRequest) -> str:
    return getattr(request, "request_id", "")


def _begin(request: HttpRequest) -> None:
    if request.path_info.startswith(BELOW):
        given = request.headers.get(REQUEST_ID, "")
        request.request_id = given if ACCEPTABLE.fullmatch(given) else uuid4().hex  # type: ignore[attr-defined]


def _end(request: HttpRequest, response: HttpResponseBase, began: float) -> HttpResponseBase:
    request_id = request_id_of(request)
    if not request_id:
        return response
    if response.status_code >= 400 and "json" not in response.headers.get("Content-Type", ""):
        response = _as_problem(request_id, response)
    response[REQUEST_ID] = request_id
    response.headers.setdefault("Cache-Control", "no-store")
    key = getattr(request, "api_key", None)
    log_event(
        logger,
        "api_request",
        request=request_id,
        key=key.pk if key else None,
        method=request.method,
        route=getattr(request.resolver_match, "route", ""),
        status=response.status_code,
        ms=round((time.perf_counter() - began) * 1000, 1),
    )
    return response


def _as_problem(request_id: str, response: HttpResponseBase) -> HttpResponseBase:
    """What Django answers by itself is a page."""
    status = response.status_code
    problem = response_of(Problem(status, code_of_status(status)), request_id)
    for name in ("Allow", "Retry-After"):
        if name in response.headers:
            problem[name] = response.headers[name]
    return problem
