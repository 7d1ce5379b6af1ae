"""Pages of attendance: who is in, days, corrections, files. Parse, authorise, call one service, render."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_safe

from attendance.forms import AttendancePolicyForm, DaysForm, PunchForm
from attendance.models import Punch
from attendance.punches import services
from attendance.reports import selectors
from attendance.reports.charts import hours_chart
from attendance.reports.files import days_as_csv, days_as_workbook
from attendance.reports.stays import PersonDay, as_clock
from enrollment.selectors import cover_thumbnails, search_people
from security.rights import Right
from security.web import actor_of, download, read_or_post, requires

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_PORTRAITS = 200


@requires(Right.SEE_ATTENDANCE)
@require_safe
def who_is_in(request: HttpRequest) -> HttpResponse:
    """Everybody who is in now, as a list to print too; what was forgotten; today's punches."""
    inside = selectors.people_in()
    shown = [stay.person.pk for stay in inside[:MOST_PORTRAITS]]
    context = {
        "inside": inside,
        "covers": cover_thumbnails(search_people().filter(pk__in=shown)),
        "open_days": selectors.open_days(),
        "punches": selectors.punches_on(timezone.localdate()),
        "policy": services.current_attendance_policy(),
        "has_kiosks": selectors.has_kiosks(),
        "now": timezone.now(),
    }
    return render(request, "attendance/who_is_in.html", context)


@requires(Right.SEE_ATTENDANCE)
@require_safe
def days(request: HttpRequest) -> HttpResponse:
    """Hours by person and day."""
    form = DaysForm(request.GET)
    if not form.is_valid():
        return render(request, "attendance/days.html", {"form": form, "days": []}, status=400)
    since, until, found = _days_asked_for(form)
    now = timezone.now()
    context = {
        "form": form,
        "days": [(day, day.is_incomplete(now)) for day in found],
        "since": since,
        "until": until,
        "chart": hours_chart(found, since, until),
        "total": as_clock(sum((day.worked for day in found), timedelta())),
        "filtered": bool(request.GET),
    }
    return render(request, "attendance/days.html", context)


def _days_asked_for(form: DaysForm) -> tuple[date, date, list[PersonDay]]:
    """First and last day, and what is known of the days between. form: a valid one."""
    since, until = form.span()
    return since, until, selectors.person_days(since, until, text=form.cleaned_data["q"])


@requires(Right.EXPORT)
@require_GET
def export_csv(request: HttpRequest) -> HttpResponseBase:
    form = DaysForm(request.GET)
    if not form.is_valid():
        return days(request)
    since, until, found = _days_asked_for(form)
    return download(days_as_csv(found, actor=actor_of(request), since=since, until=until), _name(since, until, "csv"))


@requires(Right.EXPORT)
@require_GET
def export_xlsx(request: HttpRequest) -> HttpResponseBase:
    form = DaysForm(request.GET)
    if not form.is_valid():
        return days(request)
    since, until, found = _days_asked_for(form)
    book = days_as_workbook(found, actor=actor_of(request), since=since, until=until)
    name = _name(since, until, "xlsx")
    return HttpResponse(book, content_type=XLSX, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _name(since: date, until: date, ending: str) -> str:
    return f"attendance-{since}-{until}.{ending}"


@requires(Right.CORRECT)
@read_or_post
def enter(request: HttpRequest) -> HttpResponse:
    """A punch by hand."""
    form = PunchForm(request.POST or None, initial={"who": request.GET.get("who", "")})
    if request.method == "POST" and form.is_valid() and form.chosen:
        what = {name: form.cleaned_data[name] for name in ("direction", "at", "reason")}
        try:
            punch = services.punch_by_hand(actor=actor_of(request), person=form.chosen, **what)
        except ValidationError as error:
            form.add_service_error(error)
        else:
            messages.success(request, f"{punch.get_direction_display()} of {punch.person.name} was entered.")
            return redirect("attendance:who_is_in")
    choices = [(person, None) for person in form.found]
    status = 400 if form.is_bound else 200
    return render(request, "attendance/enter.html", {"form": form, "choices": choices}, status=status)


@requires(Right.CORRECT)
@read_or_post
def void(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Take a punch back."""
    try:
        punch = selectors.punch_by_uuid(uuid)
    except Punch.DoesNotExist:
        raise Http404("There is no such punch.") from None
    problem = ""
    if request.method == "POST":
        try:
            services.void_punch(actor=actor_of(request), punch=punch, reason=request.POST.get("reason", ""))
        except ValidationError as error:
            problem = error.messages[0]
        else:
            messages.success(request, f"{punch.get_direction_display()} of {punch.person.name} was taken back.")
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
        messages.success(request, "The attendance policy was saved.")
        return redirect("attendance:policy")
    status = 400 if form.is_bound else 200
    saved = services.current_attendance_policy()
    return render(request, "attendance/policy.html", {"form": form, "saved": saved}, status=status)
