"""What the pages of every app share: who asks, which requests they take, how they send a large file. It has no page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from functools import wraps
from itertools import islice
from typing import Any, Final, cast

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AbstractUser
from django.db import close_old_connections, connection
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from security.allowing import require
from security.rights import Right

View = Callable[..., HttpResponseBase]

LINES_AT_ONCE: Final = 1_000
"""Of a download: some 200 kB."""

read_or_post = require_http_methods(["GET", "HEAD", "POST"])


def requires(right: Right, *others: Right) -> Callable[[View], View]:
    """A login first; then 403 for operators who have neither this right nor one of the others.

    The services ask again: this only keeps a page from being shown to somebody who could do nothing there.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            require(actor_of(request), right, *others)
            return view(request, *args, **kwargs)

        return login_required(checked)

    return decorate


def actor_of(request: HttpRequest) -> AbstractUser:
    """The operator; every view here requires a login."""
    return cast(AbstractUser, request.user)


def lead_to(request: HttpRequest, to: Any) -> HttpResponse:
    """A redirect; for a script that sent a form by itself its address, since following it would use up the messages."""
    answer = redirect(to)
    if "application/json" in request.headers.get("Accept", ""):
        return JsonResponse({"next": answer.url})
    return answer


def download(lines: Iterator[str], name: str, content_type: str = "text/csv; charset=utf-8") -> StreamingHttpResponse:
    """A file that is read while it is sent, as fast as its client takes it.

    lines: must hold nothing of a thread's, such as a database cursor, from one line to the next.
    """
    if not connection.in_atomic_block:
        close_old_connections()  # this thread's would stay open for as long as the download takes
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    return StreamingHttpResponse(_in_threads(lines), content_type=content_type, headers=headers)


async def _in_threads(lines: Iterator[str]) -> AsyncIterator[str]:
    """Under ASGI Django would collect everything from a synchronous iterator before it sends the first byte."""
    while some := await asyncio.to_thread(_take, lines):
        yield some


def _take(lines: Iterator[str]) -> str:
    try:
        return "".join(islice(lines, LINES_AT_ONCE))
    finally:
        close_old_connections()
