"""Pages and files of reports. Parse, authorise, call one service, render."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_safe

from attendance.reports.calendars import days_as_calendar
from attendance.reports.charts import hours_chart, people_chart
from attendance.reports.files import days_as_csv, days_as_workbook
from attendance.reports.forms import SHOWN, ReportForm, SpanForm
from attendance.reports.people import ByName, Show, keys_of, people_of_day
from attendance.reports.rosters import Row, read_many, read_rows, totals_by_day
from attendance.reports.selectors import punches_of
from attendance.reports.spans import Length, Span
from attendance.schedules.plans import read_timetable
from enrollment.models import Person
from security.rights import Right
from security.web import actor_of, download, requires

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PEOPLE_PER_PAGE = 50


@requires(Right.SEE_ATTENDANCE)
@require_safe
def days(request: HttpRequest) -> HttpResponse:
    """A day, a week or a month of everybody who was expected or here."""
    form = ReportForm(request.GET)
    if not form.is_valid():
        return render(request, "attendance/days.html", {"form": form}, status=400)
    asked, timetable, now = form.asked(), read_timetable(), timezone.now()
    of_day = people_of_day(asked, timetable, now) if asked.span.length == Length.DAY else {}
    keys = ByName(asked, of_day[asked.show]) if of_day else keys_of(asked, timetable, now)
    # It asks for the length and for slices.
    page = Paginator(keys, PEOPLE_PER_PAGE).get_page(request.GET.get("page"))  # type: ignore[arg-type]
    rows = list(read_many(list(page.object_list), asked.span, timetable, now))
    context = {
        "form": form,
        "page": page,
        "rows": rows,
        "shows": [(code, str(words), len(of_day[Show(code)])) for code, words in SHOWN if code and of_day],
        "filtered": bool(asked.text or asked.show or asked.group),
        "off": timetable.off.get(asked.span.since, "") if asked.span.length == Length.DAY else "",
    }
    return render(request, "attendance/days.html", context | _span_context(asked.span, rows))


@requires(Right.SEE_ATTENDANCE)
@require_safe
def person(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The same of one person, with every punch and its evidence."""
    found = get_object_or_404(Person, uuid=uuid)
    form = SpanForm(request.GET)
    if not form.is_valid():
        return render(request, "attendance/person.html", {"form": form, "person": found}, status=400)
    span = form.asked_span()
    rows = read_rows([found], span, read_timetable(), timezone.now())
    context = {"form": form, "person": found, "row": rows[0], "punches": punches_of(found, span.since, span.until)}
    return render(request, "attendance/person.html", context | _span_context(span, rows))


def _span_context(span: Span, rows: Sequence[Row]) -> dict[str, Any]:
    totals = totals_by_day(rows, span)
    drawn = totals if span.length != Length.DAY else []
    return {
        "span": span,
        "today": timezone.localdate(),
        "totals": drawn,
        "hours_chart": hours_chart(drawn),
        "people_chart": people_chart(drawn),
    }


@requires(Right.EXPORT)
@require_GET
def export_csv(request: HttpRequest) -> HttpResponseBase:
    return _of_everybody(request, _csv)


@requires(Right.EXPORT)
@require_GET
def export_xlsx(request: HttpRequest) -> HttpResponseBase:
    return _of_everybody(request, _xlsx)


@requires(Right.EXPORT)
@require_GET
def export_ics(request: HttpRequest) -> HttpResponseBase:
    return _of_everybody(request, _ics)


@requires(Right.EXPORT)
@require_GET
def person_csv(request: HttpRequest, uuid: UUID) -> HttpResponseBase:
    return _of_one(request, uuid, _csv)


@requires(Right.EXPORT)
@require_GET
def person_xlsx(request: HttpRequest, uuid: UUID) -> HttpResponseBase:
    return _of_one(request, uuid, _xlsx)


@requires(Right.EXPORT)
@require_GET
def person_ics(request: HttpRequest, uuid: UUID) -> HttpResponseBase:
    return _of_one(request, uuid, _ics)


Send = Callable[[HttpRequest, Sequence[int], Span, str], HttpResponseBase]
"""request, primary keys of people in their order, span, whose it is (empty: everybody's) -> the file"""


def _of_everybody(request: HttpRequest, send: Send) -> HttpResponseBase:
    form = ReportForm(request.GET)
    if not form.is_valid():
        return days(request)
    asked, timetable, now = form.asked(), read_timetable(), timezone.now()
    keys = list(keys_of(asked, timetable, now))
    try:
        return send(request, keys, asked.span, asked.group.name if asked.group else "")
    except ValidationError as error:
        return render(request, "attendance/days.html", {"form": form, "problem": error.messages[0]}, status=400)


def _of_one(request: HttpRequest, uuid: UUID, send: Send) -> HttpResponseBase:
    found = get_object_or_404(Person, uuid=uuid)
    form = SpanForm(request.GET)
    return send(request, [found.pk], form.asked_span(), found.name) if form.is_valid() else person(request, uuid)


def _csv(request: HttpRequest, keys: Sequence[int], span: Span, whose: str) -> HttpResponseBase:
    rows = read_many(keys, span, read_timetable(), timezone.now())
    return download(days_as_csv(rows, actor=actor_of(request), span=span, people=len(keys)), _name(span, "csv"))


def _xlsx(request: HttpRequest, keys: Sequence[int], span: Span, whose: str) -> HttpResponseBase:
    rows = read_many(keys, span, read_timetable(), timezone.now())
    book = days_as_workbook(rows, actor=actor_of(request), span=span, people=len(keys))
    return _attached(book, XLSX, _name(span, "xlsx"))


def _ics(request: HttpRequest, keys: Sequence[int], span: Span, whose: str) -> HttpResponseBase:
    now = timezone.now()
    rows = read_many(keys, span, read_timetable(), now)
    file = days_as_calendar(rows, actor=actor_of(request), span=span, people=len(keys), whose=whose, now=now)
    return _attached(file, "text/calendar; charset=utf-8", _name(span, "ics"))


def _attached(file: bytes, content_type: str, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    return HttpResponse(file, content_type=content_type, headers=headers)


def _name(span: Span, ending: str) -> str:
    return f"attendance-{span.since}-{span.until}.{ending}"
