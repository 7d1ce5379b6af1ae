"""What the pages of every app share: who asks, which requests they take, how they send a large file. It has no page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from itertools import islice
from typing import Any, Final, cast

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AbstractUser
from django.db import close_old_connections, connections
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.http import require_http_methods

from security.allowing import require
from security.rights import Right

View = Callable[..., HttpResponseBase]

LINES_AT_ONCE: Final = 500
"""Of a download: some 100 kB."""

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


def csv_download(name: str, lines: Iterator[str]) -> StreamingHttpResponse:
    """CSV that is read while it is sent, as fast as its client takes it.

    lines: must hold nothing of a thread's, such as a database cursor, from one line to the next.
    """
    close_old_connections()  # this thread's would stay open for as long as the download takes
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    return StreamingHttpResponse(_in_threads(lines), content_type="text/csv; charset=utf-8", headers=headers)


async def _in_threads(lines: Iterator[str]) -> AsyncIterator[str]:
    """Under ASGI Django would collect everything from a synchronous iterator before it sends the first byte."""
    while some := await asyncio.to_thread(_take, lines):
        yield some


def _take(lines: Iterator[str]) -> str:
    try:
        return "".join(islice(lines, LINES_AT_ONCE))
    finally:
        close_old_connections()


def download(lines: Iterator[str], name: str, content_type: str) -> StreamingHttpResponse:
    """A file that is sent while it is read."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    return StreamingHttpResponse(in_one_thread(lines), content_type=content_type, headers=headers)


async def in_one_thread(lines: Iterator[str]) -> AsyncIterator[str]:
    """Chunks of `lines`, all read in a thread that is used for nothing else.

    A database cursor must stay in the thread that opened it. And under ASGI Django would collect everything from a
    synchronous iterator before it sends the first byte.
    """
    loop = asyncio.get_running_loop()
    thread = ThreadPoolExecutor(1, thread_name_prefix="export")
    try:
        while chunk := await loop.run_in_executor(thread, lambda: "".join(islice(lines, LINES_AT_ONCE))):
            yield chunk
    finally:
        try:
            await loop.run_in_executor(thread, connections.close_all)  # the connections of that thread
        finally:
            thread.shutdown(wait=False)
