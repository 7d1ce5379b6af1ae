"""Pages of decisions: the live page, the photo check and the history. Parse, authorise, call one service, render."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from verification.models import VerificationAttempt


@login_required
@require_safe
def live(request: HttpRequest) -> HttpResponse:
    return render(request, "verification/live.html", {})


@login_required
@require_safe
def photo(request: HttpRequest) -> HttpResponse:
    return render(request, "verification/photo.html", {})


@login_required
@require_safe
def attempts(request: HttpRequest) -> HttpResponse:
    return render(request, "verification/attempts.html", {})


@login_required
@require_safe
def attempt(request: HttpRequest, uuid: UUID) -> HttpResponse:
    return render(
        request, "verification/attempt.html", {"attempt": get_object_or_404(VerificationAttempt, uuid=uuid)}
    )
