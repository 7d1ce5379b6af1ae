"""Pages of people and their samples. Parse, authorise, call one service, render."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET, require_safe

from enrollment.models import Person


@login_required
@require_safe
def enroll(request: HttpRequest) -> HttpResponse:
    """The guided capture of a new person."""
    return render(request, "enrollment/enroll.html", {"person": None})


@login_required
@require_safe
def capture(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The same guided capture, adding samples to somebody already enrolled."""
    return render(request, "enrollment/enroll.html", {"person": get_object_or_404(Person, uuid=uuid)})


@login_required
@require_safe
def people(request: HttpRequest) -> HttpResponse:
    return render(request, "enrollment/people.html", {})


@login_required
@require_GET
def people_search(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"people": []})


@login_required
@require_safe
def person(request: HttpRequest, uuid: UUID) -> HttpResponse:
    return render(request, "enrollment/person.html", {"person": get_object_or_404(Person, uuid=uuid)})
