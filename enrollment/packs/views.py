"""The page of model packs: what there is, what it may be used for, installing and switching. Each begins a job."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from enrollment.packs import managing
from enrollment.packs.jobs import PacksBusy, Refused, last_job
from enrollment.reasons import sentence_of
from recognizer.errors import PackError
from security.rights import Right
from security.web import actor_of, requires


@requires(Right.MANAGE_SITE, Right.SET_POLICY)
@require_safe
def packs(request: HttpRequest) -> HttpResponse:
    try:
        context = {"packs": managing.list_packs(), "job": last_job()}
    except PackError as error:
        return render(request, "enrollment/packs.html", {"problem": sentence_of(error)}, status=503)
    return render(request, "enrollment/packs.html", context)


@requires(Right.MANAGE_SITE, Right.SET_POLICY)
@require_safe
def state(request: HttpRequest) -> HttpResponse:
    """How far the work is: the page asks for it while there is any."""
    return render(request, "enrollment/_pack_job.html", {"job": last_job()})


@requires(Right.MANAGE_SITE)
@require_POST
def install(request: HttpRequest, name: str) -> HttpResponse:
    accepted = bool(request.POST.get("accept_licence"))
    return _begin(request, lambda: managing.begin_install(actor=actor_of(request), name=name, accept_licence=accepted))


@requires(Right.MANAGE_SITE)
@require_POST
def verify(request: HttpRequest, name: str) -> HttpResponse:
    return _begin(request, lambda: managing.begin_verify(actor=actor_of(request), name=name))


@requires(Right.SET_POLICY)
@require_POST
def switch(request: HttpRequest, name: str) -> HttpResponse:
    return _begin(request, lambda: managing.begin_switch(actor=actor_of(request), name=name))


def _begin(request: HttpRequest, begin: Callable[[], None]) -> HttpResponse:
    try:
        begin()
    except (PackError, PacksBusy, Refused) as error:
        messages.error(request, sentence_of(error))
    return redirect("packs:all")
