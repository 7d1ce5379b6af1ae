"""Pages of decisions: the live page, the photo check and the history. Parse, authorise, call one service, render."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db import connections
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_safe

from enrollment.errors import PersonUnknown
from enrollment.models import Person
from enrollment.reasons import SENTENCES
from enrollment.selectors import person_by_uuid
from verification import selectors
from verification.cards import card_of
from verification.exports import stream_attempts
from verification.forms import AttemptFilterForm
from verification.models import VerificationAttempt

ATTEMPTS_PER_PAGE = 25
LINES_PER_CHUNK = 500


@login_required
@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """`?person=UUID` asks about that person at once."""
    context = {"reason_sentences": SENTENCES, "claimed": _claimed_person(request.GET.get("person", ""))}
    return render(request, "verification/live.html", context)


def _claimed_person(uuid: str) -> Person | None:
    try:
        person = person_by_uuid(uuid)
    except PersonUnknown:
        return None
    return person if person.is_active else None


@login_required
@require_safe
def photo(request: HttpRequest) -> HttpResponse:
    return render(request, "verification/photo.html", {})


@login_required
@require_safe
def attempts(request: HttpRequest) -> HttpResponse:
    form = AttemptFilterForm(request.GET)
    form.is_valid()  # a filter that is not understood filters nothing, and says so
    filters = form.filters()
    page = Paginator(selectors.find_attempts(filters), ATTEMPTS_PER_PAGE).get_page(request.GET.get("page"))
    thumbnails = selectors.thumbnail_urls(page.object_list)
    try:
        person = person_by_uuid(filters.person) if filters.person else None
    except PersonUnknown:
        person = None
    context = {
        "form": form,
        "page": page,
        "thumbnails": thumbnails,
        "person": person,
        "filtered": filters != selectors.AttemptFilters(),
    }
    return render(request, "verification/attempts.html", context, status=400 if form.errors else 200)


@login_required
@require_GET
def export(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """The filtered history as CSV, sent while it is read."""
    form = AttemptFilterForm(request.GET)
    if not form.is_valid():
        return attempts(request)
    lines = stream_attempts(selectors.find_attempts(form.filters()))
    name = f"attempts-{timezone.now():%Y-%m-%d}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    return StreamingHttpResponse(in_one_thread(lines), content_type="text/csv; charset=utf-8", headers=headers)


async def in_one_thread(lines: Iterator[str]) -> AsyncIterator[str]:
    """Chunks of `lines`, all read in one thread of their own.

    A database cursor must stay in the thread that opened it, and under ASGI Django would first collect everything that
    a synchronous iterator gives.
    """
    loop = asyncio.get_running_loop()
    thread = ThreadPoolExecutor(1, thread_name_prefix="export")
    try:
        while chunk := await loop.run_in_executor(thread, lambda: "".join(islice(lines, LINES_PER_CHUNK))):
            yield chunk
    finally:
        thread.submit(connections.close_all)  # those of that thread
        thread.shutdown(wait=False)


@login_required
@require_safe
def attempt(request: HttpRequest, uuid: UUID) -> HttpResponse:
    try:
        attempt = selectors.attempt_by_uuid(uuid)
    except VerificationAttempt.DoesNotExist:
        raise Http404("There is no such attempt.") from None
    context = {"attempt": attempt, "card": card_of(attempt), "thumbnail": selectors.thumbnail_url(attempt)}
    return render(request, "verification/attempt.html", context)
