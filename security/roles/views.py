"""The page where a second person agrees. Parse, authorise, call one service, render."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from security.models import Approval
from security.roles import second_person
from security.web import actor_of, requires

TARGETS_SHOWN = 20


@requires(*second_person.RIGHT_OF.values())
@require_safe
def approvals(request: HttpRequest) -> HttpResponse:
    """What waits for a second person and what was agreed to, as far as the operator has the right for it."""
    actor = actor_of(request)
    rows = [
        {
            "approval": approval,
            "targets": second_person.describe(approval.targets, TARGETS_SHOWN),
            "number": len(approval.targets),
            "own": approval.asked_by_id == actor.pk,
        }
        for approval in second_person.seen_by(actor)
    ]
    return render(request, "security/approvals.html", {"rows": rows, "most": TARGETS_SHOWN})


@requires(*second_person.RIGHT_OF.values())
@require_POST
def answer(request: HttpRequest, pk: int) -> HttpResponse:
    """`do`: "agree" or "refuse"."""
    approval = Approval.objects.filter(pk=pk).first()
    if approval is None:
        raise Http404(_("There is no such request."))
    try:
        if request.POST.get("do") == "agree":
            second_person.agree(actor=actor_of(request), approval=approval)
            messages.success(request, _("You agreed. It may be done within the next hour."))
        else:
            second_person.refuse(actor=actor_of(request), approval=approval)
            messages.success(request, _("The request is off the list. Nothing was done."))
    except second_person.ApprovalRefused as error:
        messages.error(request, str(error))
    return redirect("security:approvals")
