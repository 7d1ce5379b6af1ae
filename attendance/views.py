"""Pages of attendance: who is in, corrections, the policy. Parse, authorise, call one service, render."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from attendance.forms import AttendancePolicyForm, PunchForm
from attendance.models import Punch
from attendance.punches import services
from attendance.reports import selectors
from attendance.reports.inside import by_group, since_in_words, version_of
from attendance.reports.stays import Stay
from attendance.schedules.plans import suggested_moment
from enrollment.selectors import cover_thumbnails, search_people
from security.rights import Right
from security.web import actor_of, read_or_post, requires
from security.written_days import written

MOST_PORTRAITS = 200
FORGOTTEN_SHOWN = 5
PUNCHES_PER_PAGE = 50
ENTERED = {
    Punch.Direction.IN.value: _("Check-in of {name} was entered."),
    Punch.Direction.OUT.value: _("Check-out of {name} was entered."),
}
TAKEN_BACK = {
    Punch.Direction.IN.value: _("Check-in of {name} was taken back."),
    Punch.Direction.OUT.value: _("Check-out of {name} was taken back."),
}


@requires(Right.SEE_ATTENDANCE)
@require_safe
def who_is_in(request: HttpRequest) -> HttpResponse:
    """Everybody who is in now, as a list to print too; what was forgotten; today's punches."""
    stays = selectors.people_in()
    today = selectors.punches_on(timezone.localdate())
    context = _inside_context(stays) | {
        "version": version_of(stays),
        "as_of": _as_of(),
        "forgotten": selectors.open_punches()[:FORGOTTEN_SHOWN],
        "page": Paginator(today, PUNCHES_PER_PAGE).get_page(request.GET.get("page")),
        "policy": services.current_attendance_policy(),
        "has_kiosks": selectors.has_kiosks(),
    }
    return render(request, "attendance/who_is_in.html", context)


@requires(Right.SEE_ATTENDANCE)
@require_safe
def inside(request: HttpRequest) -> HttpResponse:
    """The list alone, which the page asks for again and again; 304 while nobody came or went.

    The moment travels in a header: a 304 has no body, and the page says when it last knew. Percent-encoded, since a
    header is ASCII.
    """
    stays = selectors.people_in()
    etag = f'"{version_of(stays)}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache", "X-As-Of": quote(_as_of())}
    if request.headers.get("If-None-Match") == etag:
        return HttpResponseNotModified(headers=headers)
    answer = render(request, "attendance/_inside.html", _inside_context(stays))
    words = ngettext("{count} person", "{count} people", len(stays)).format(count=len(stays))
    for name, value in (headers | {"X-Count": quote(words)}).items():
        answer[name] = value
    return answer


def _inside_context(stays: Sequence[Stay]) -> dict[str, Any]:
    shown = [stay.person.pk for stay in stays[:MOST_PORTRAITS]]
    return {
        "inside": stays,
        "groups": by_group(stays),
        "since": since_in_words(stays),
        "covers": cover_thumbnails(search_people().filter(pk__in=shown)),
    }


def _as_of() -> str:
    """Now, with the site's zone."""
    return written(timezone.localtime(), "j M Y, H:i e")


@requires(Right.SEE_ATTENDANCE)
@require_safe
def open_days(request: HttpRequest) -> HttpResponse:
    """Where somebody forgot a punch."""
    page = Paginator(selectors.open_punches(), PUNCHES_PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "attendance/open.html", {"page": page})


@requires(Right.CORRECT)
@read_or_post
def enter(request: HttpRequest) -> HttpResponse:
    """A punch by hand."""
    form = PunchForm(request.POST or None, initial=_suggested(request))
    if request.method == "POST" and form.is_valid() and form.chosen:
        what = {name: form.cleaned_data[name] for name in ("direction", "at", "reason")}
        try:
            punch = services.punch_by_hand(actor=actor_of(request), person=form.chosen, **what)
        except ValidationError as error:
            form.add_service_error(error)
        else:
            messages.success(request, ENTERED[punch.direction].format(name=punch.person.name))
            return redirect("attendance:who_is_in")
    choices = [(person, None) for person in form.found]
    status = 400 if form.is_bound else 200
    return render(request, "attendance/enter.html", {"form": form, "choices": choices}, status=status)


def _suggested(request: HttpRequest) -> dict[str, Any]:
    """What the form begins with: somebody, or the other end of a punch."""
    lonely = selectors.punch_or_none(request.GET.get("missing", ""))
    if lonely is None:
        return {"who": request.GET.get("who", "")}
    other = Punch.Direction.OUT if lonely.direction == Punch.Direction.IN else Punch.Direction.IN
    who = lonely.person.external_id or lonely.person.name
    return {"who": who, "direction": other, "at": timezone.localtime(suggested_moment(lonely))}


@requires(Right.CORRECT)
@read_or_post
def void(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Take a punch back."""
    try:
        punch = selectors.punch_by_uuid(uuid)
    except Punch.DoesNotExist:
        raise Http404(gettext("There is no such punch.")) from None
    problem = ""
    if request.method == "POST":
        try:
            services.void_punch(actor=actor_of(request), punch=punch, reason=request.POST.get("reason", ""))
        except ValidationError as error:
            problem = error.messages[0]
        else:
            messages.success(request, TAKEN_BACK[punch.direction].format(name=punch.person.name))
            return redirect("attendance:who_is_in")
    context = {"punch": punch, "problem": problem}
    return render(request, "attendance/void.html", context, status=400 if problem else 200)


@requires(Right.MANAGE_SITE)
@read_or_post
def policy(request: HttpRequest) -> HttpResponse:
    """Whose matches check people in and out."""
    form = AttendancePolicyForm(request.POST or None, instance=services.current_attendance_policy())
    if request.method == "POST" and form.is_valid():
        services.save_attendance_policy(actor=actor_of(request), **form.cleaned_data)
        messages.success(request, gettext("The attendance policy was saved."))
        return redirect("attendance:policy")
    status = 400 if form.is_bound else 200
    saved = services.current_attendance_policy()
    return render(request, "attendance/policy.html", {"form": form, "saved": saved}, status=status)
