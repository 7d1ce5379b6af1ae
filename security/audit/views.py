"""Pages of the audit trail. Parse, authorise, call one service, render."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST, require_safe

from security.audit.exporting import begin_export, begin_table
from security.audit.forms import AuditFilterForm
from security.audit.selectors import AuditFilters, audit_page, audit_state
from security.audit.signing import AuditKeyUnusable
from security.audit.stored import verify_stored
from security.audit.wording import in_words
from security.numbers import grouped
from security.rights import Right
from security.web import actor_of, download, requires


@requires(Right.SEE_AUDIT)
@require_safe
def audit(request: HttpRequest) -> HttpResponse:
    """Who did what, newest first; `?before=NUMBER` goes on with older rows."""
    form = AuditFilterForm(request.GET)
    form.is_valid()  # a filter that is not understood filters nothing, and says so
    filters, before = form.filters(), request.GET.get("before", "")
    page = audit_page(filters, before=int(before) if before.isdecimal() and len(before) < 19 else None)
    context = {
        "form": form,
        "rows": in_words(page.events),
        "older": page.older,
        "is_first": not before,
        "filtered": filters != AuditFilters(),
        "state": audit_state(),
    }
    return render(request, "security/audit.html", context, status=400 if form.errors else 200)


@requires(Right.SEE_AUDIT)
@require_GET
def table(request: HttpRequest) -> HttpResponseBase:
    """The filtered rows as CSV, for people."""
    form = AuditFilterForm(request.GET)
    if not form.is_valid():
        return audit(request)
    lines = begin_table(actor=actor_of(request), filters=form.filters())
    return download(lines, f"audit-{timezone.localdate():%Y-%m-%d}.csv")


@requires(Right.SEE_AUDIT)
@require_GET
def chain(request: HttpRequest) -> HttpResponseBase:
    """The whole trail as JSON lines, for `audit verify --file`."""
    try:
        lines = begin_export(actor=actor_of(request))
    except AuditKeyUnusable as error:
        messages.error(request, str(error))
        return redirect("security:audit")
    return download(lines, f"audit-{timezone.localdate():%Y-%m-%d}.jsonl", "application/jsonl")


@requires(Right.SEE_AUDIT)
@require_POST
def verify(request: HttpRequest) -> HttpResponse:
    """Look at every row now."""
    try:
        report = verify_stored()
    except AuditKeyUnusable as error:
        messages.error(request, str(error))
        return redirect("security:audit")
    if report.problem is None:
        messages.success(
            request,
            ngettext(
                "{rows} row was verified: it was not changed, and none was removed or inserted.",
                "All {rows} rows were verified: none was changed, removed or inserted.",
                report.rows,
            ).format(rows=grouped(report.rows)),
        )
    return redirect("security:audit")
