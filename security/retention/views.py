"""The site's retention rules. Parse, authorise, call one service, render."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from security.retention.forms import RetentionForm
from security.retention.policy import save_days
from security.retention.runner import ask_for_run, what_is_due
from security.retention.status import recent_runs, retention_status
from security.rights import Right
from security.web import actor_of, read_or_post, requires

RUNS_SHOWN = 10


@requires(Right.SET_RETENTION)
@read_or_post
def retention(request: HttpRequest) -> HttpResponse:
    """The rules, what they would erase now, and the last runs; a POST saves other days."""
    form = RetentionForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            save_days(actor=actor_of(request), days=form.cleaned_data)
        except ValidationError as error:
            form.add_refusals(error)
        else:
            messages.success(request, _("Saved. The next run erases by these rules."))
            return redirect("security:retention")
    due = what_is_due()
    context = {
        "form": form,
        "due": due,
        "total": sum(each.count for each in due),
        "status": retention_status(),
        "runs": recent_runs(RUNS_SHOWN),
    }
    return render(request, "security/retention.html", context, status=400 if form.errors else 200)


@requires(Right.SET_RETENTION)
@require_POST
def run(request: HttpRequest) -> HttpResponse:
    """Ask for a run now; a process of the site does it in the background."""
    ask_for_run(actor=actor_of(request))
    messages.success(request, _("Asked for. The site begins within half a minute; this page shows how far it is."))
    return redirect("security:retention")
