"""What a session is worth, at every request: it may have ended by itself, or its operator owes something first."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.deprecation import MiddlewareMixin
from django.utils.functional import SimpleLazyObject

from security.addresses import client_address
from security.sign_in.owing import Debt, debt_of
from security.sign_in.sessions import begin_sign_in, note_end, note_use, sign_in_of, why_ended


class SignInMiddleware(MiddlewareMixin):
    """After Django's AuthenticationMiddleware. Like that, it asks the database only where somebody asks for the user.

    request.sign_in: the session's SignIn, where an operator is signed in. request.sign_in_ended: why it ended.
    """

    def process_request(self, request: HttpRequest) -> None:
        user = request.user
        request.user = SimpleLazyObject(lambda: _worth(request, user))  # type: ignore[assignment]

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        # Django's own mark of pages that are for everybody: the login page, health.
        if not getattr(view, "login_required", True) or not request.user.is_authenticated:
            return None
        debt = debt_of(request.user, request.session)
        if debt is None or _is_open_to_those_owing(view, debt):
            return None
        if not _wants_page(request):
            return JsonResponse({"code": "not_allowed", "message": str(debt.sentence)}, status=403)
        wanted = request.get_full_path() if request.method in ("GET", "HEAD") else reverse("dashboard")
        return redirect(f"{reverse(debt.page)}?{urlencode({'next': wanted})}")


def _worth(request: HttpRequest, user: Any) -> Any:
    if not user.is_authenticated:
        return user
    key = request.session.session_key or ""
    sign_in = sign_in_of(key) or begin_sign_in(  # a session from before this version has no note yet
        session_key=key,
        operator=user,
        address=client_address(request.META),
        user_agent=request.headers.get("User-Agent", ""),
    )
    if reason := why_ended(sign_in):
        note_end(sign_in, reason)
        request.sign_in_ended = reason  # type: ignore[attr-defined]
        return AnonymousUser()
    note_use(sign_in)
    request.sign_in = sign_in  # type: ignore[attr-defined]
    return sign_in.operator


def _is_open_to_those_owing(view: Any, debt: Debt) -> bool:
    return debt in getattr(getattr(view, "view_class", view), "open_to_those_owing", ())


def _wants_page(request: HttpRequest) -> bool:
    """Not so for scripts of pages, which ask for JSON."""
    return not request.path.endswith(".json") and request.accepts("text/html")
