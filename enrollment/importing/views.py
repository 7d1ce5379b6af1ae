"""The page of imports: it takes the files, follows the work, and shows the report."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from enrollment.importing import runs
from enrollment.importing.archive import MOST_MEMBERS
from enrollment.importing.forms import ImportForm
from enrollment.importing.listing import EXAMPLE, MOST_ROWS
from enrollment.importing.reasons import ImportRefused
from enrollment.importing.remaining import minutes_left, percent_done
from enrollment.importing.reporting import TOTALS, report_lines, shown
from enrollment.importing.runs import ImportBusy, last_run
from enrollment.importing.working import begin_import
from enrollment.models import ImportRun
from enrollment.pictures.photos import MEGABYTE
from recognizer.errors import PackError
from security.rights import Right
from security.tables import by_pages, csv_lines
from security.web import actor_of, download, lead_to, read_or_post, requires

LINES_ON_A_PAGE = 50


@requires(Right.ENROL)
@read_or_post
def import_people(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _page(request, ImportForm())
    form = ImportForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            begin_import(
                actor=actor_of(request),
                file=form.sent_archive(),
                listing=form.sent_listing(),
                choice=form.choice(),
            )
        except ImportRefused as error:
            form.add_refusal(error)
        except (ImportBusy, PackError) as error:
            form.add_error(None, str(error))
        else:
            return lead_to(request, "enrollment:import")
    return _page(request, form)


@requires(Right.ENROL)
@require_safe
def state(request: HttpRequest) -> HttpResponse:
    """How far the work is: the page asks for it while there is any."""
    return render(request, "enrollment/_import_run.html", _progress(last_run()))


@requires(Right.ENROL)
@require_POST
def cancel(request: HttpRequest) -> HttpResponse:
    runs.cancel_run(actor=actor_of(request))
    return redirect("enrollment:import")


@requires(Right.ENROL)
@require_POST
def forget(request: HttpRequest) -> HttpResponse:
    runs.forget_report(actor=actor_of(request))
    messages.success(request, str(runs.FORGOTTEN))
    return redirect("enrollment:import")


@requires(Right.ENROL)
@require_safe
def report(request: HttpRequest) -> HttpResponseBase:
    """The report as a file."""
    run = last_run()
    lines = by_pages(runs.lines_of(run, only_problems=False)) if run else iter(())
    return download(report_lines(lines), "import.csv")


@requires(Right.ENROL)
@require_safe
def example(request: HttpRequest) -> HttpResponseBase:
    """A list to begin with."""
    return download(csv_lines(EXAMPLE[0], EXAMPLE[1:]), "people.csv")


def _page(request: HttpRequest, form: ImportForm) -> HttpResponse:
    run = last_run()
    context: dict[str, Any] = _progress(run) | {
        "form": form,
        "limit_mb": settings.FACESITE_IMPORT_MB,
        "limit_bytes": str(settings.FACESITE_IMPORT_MB * MEGABYTE),
        "most_files": MOST_MEMBERS,
        "most_rows": MOST_ROWS,
        "kept_days": runs.KEPT.days,
    }
    if run and run.state != ImportRun.State.RUNNING:
        context |= _report(request, run)
    return render(request, "enrollment/import.html", context, status=400 if form.errors else 200)


def _progress(run: ImportRun | None) -> dict[str, Any]:
    running = run is not None and run.state == ImportRun.State.RUNNING
    return {
        "run": run,
        "running": running,
        "words": gettext(run.words) if run and run.words else "",  # English in the database
        "percent": percent_done(run) if run else 0,
        "minutes": minutes_left(run) if run and running else None,
    }


def _report(request: HttpRequest, run: ImportRun) -> dict[str, Any]:
    every = request.GET.get("lines") == "all"
    pages = Paginator(runs.lines_of(run, only_problems=not every), LINES_ON_A_PAGE)
    page = pages.get_page(request.GET.get("page"))
    numbers = {only: runs.lines_of(run, only_problems=only).count() for only in (True, False)}
    return {
        "page": page,
        "rows": [shown(line) for line in page],
        "totals": [(label, run.counts.get(name, 0)) for name, label in TOTALS.items()],
        "every": every,
        "problems": numbers[True],
        "lines": numbers[False],
    }
