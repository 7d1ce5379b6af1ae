"""The hygiene report as a page, with a button for each action and a log in which each can be undone."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from enrollment import selectors, services
from enrollment.errors import EnrollmentError, SampleUnknown
from enrollment.hygiene import actions as hygiene
from enrollment.hygiene.report import HygieneReport, build_report
from enrollment.models import FaceTemplate, HygieneAction, Person
from enrollment.reasons import sentence_of
from enrollment.runtime.engine import get_engine
from recognizer.errors import PackError
from security.rights import Right
from security.web import actor_of, requires

MOST_TEMPLATES = 30_000
"""More take longer than anybody waits for a page (10,000: about 2 seconds). The command has no limit."""
ROWS_SHOWN = 50
ACTIONS_SHOWN = 30


@requires(Right.SEE_REPORTS)
@require_safe
def report(request: HttpRequest) -> HttpResponse:
    """The report, made anew for each request; only the log where the gallery is too large or no pack can be used."""
    found: HygieneReport | None = None
    problem = ""
    try:
        engine = get_engine()
        if FaceTemplate.objects.filter(contract_id=engine.contract_id).count() <= MOST_TEMPLATES:
            found = build_report(engine, shown=ROWS_SHOWN)
    except PackError as error:
        problem = sentence_of(error)
    context = {
        "report": found,
        "problem": problem,
        "most_templates": MOST_TEMPLATES,
        "actions": selectors.recent_hygiene_actions(ACTIONS_SHOWN),
    }
    return render(request, "enrollment/hygiene.html", context)


@requires(Right.CORRECT)
@require_POST
def merge(request: HttpRequest) -> HttpResponse:
    """Merge the person `merge` into the person `keep` (uuids). 404 for an unknown person, here and below."""
    keep, other = _person(request, "keep"), _person(request, "merge")
    contract_id = get_engine().contract_id
    return _answer(
        request,
        lambda: hygiene.merge_people(actor=actor_of(request), keep=keep, merge=other, contract_id=contract_id),
        _("{other} was merged into {name}. It can be undone below.").format(other=other.name, name=keep.name),
    )


@requires(Right.CORRECT)
@require_POST
def note_pair(request: HttpRequest) -> HttpResponse:
    first, second = _person(request, "first"), _person(request, "second")
    try:
        score = float(request.POST.get("score", ""))
    except ValueError:
        raise Http404 from None
    if not -1.0 <= score <= 1.0:  # also true for NaN
        raise Http404
    return _answer(
        request,
        lambda: hygiene.note_pair(actor=actor_of(request), first=first, second=second, comparison_score=score),
        _("{first} and {second} are noted as different people and are not asked about again.").format(
            first=first.name, second=second.name
        ),
    )


@requires(Right.CORRECT)
@require_POST
def forget_pair(request: HttpRequest) -> HttpResponse:
    first, second = _person(request, "first"), _person(request, "second")
    return _answer(
        request,
        lambda: hygiene.forget_pair(actor=actor_of(request), first=first, second=second),
        _("The note about {first} and {second} was removed.").format(first=first.name, second=second.name),
    )


@requires(Right.CORRECT)
@require_POST
def undo(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """From the report, or from the page of the person named in `from`, to which it then goes back."""
    action = get_object_or_404(HygieneAction, uuid=uuid)
    back = _person(request, "from") if "from" in request.POST else None
    act = partial(hygiene.undo_action, actor=actor_of(request), action=action)
    return _answer(request, act, _("This was undone."), back=back)


@requires(Right.CORRECT)
@require_POST
def set_aside(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Set a sample aside or take it back: from a person's page, or from the report.

    From the report it goes back there; else to the person's page.
    """
    aside = request.POST.get("aside") == "yes"
    try:
        sample = selectors.sample_by_uuid(uuid)
        services.set_aside(actor=actor_of(request), sample=sample, aside=aside)
    except SampleUnknown as error:
        raise Http404(str(error)) from None
    if aside:
        done = _("The sample of {name} was set aside: kept, but not searched.")
    else:
        done = _("The sample of {name} was taken back and is searched.")
    messages.success(request, done.format(name=sample.person.name))
    return redirect("enrollment:hygiene" if request.POST.get("from") == "hygiene" else sample.person)


def _person(request: HttpRequest, name: str) -> Person:
    try:
        return selectors.person_by_uuid(request.POST.get(name, ""))
    except EnrollmentError as error:
        raise Http404(str(error)) from None


def _answer(
    request: HttpRequest, act: Callable[[], object], sentence: str, *, back: Person | None = None
) -> HttpResponse:
    """Do it and go back to the report, or to this person's page, with a message that says what happened,

    or why nothing did.
    """
    try:
        act()
    except EnrollmentError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, sentence)
    return redirect(back or "enrollment:hygiene")
