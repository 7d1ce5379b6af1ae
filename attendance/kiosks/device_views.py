"""What a device at a door opens: its screen, or the page that pairs it. No operator is signed in here."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_POST, require_safe

from attendance.kiosks.checking import find_kiosk
from attendance.kiosks.cookies import LASTS_S, cookie_name
from attendance.kiosks.forms import PairForm
from attendance.kiosks.services import PairingRefused, TooManyCodes, pair_kiosk
from security.addresses import client_address


@login_not_required
@ensure_csrf_cookie
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The device's screen; without a token that counts, the page that asks for a pairing code."""
    token = request.COOKIES.get(cookie_name(), "")
    kiosk = find_kiosk(token) if token else None
    if kiosk is None:
        return render(request, "attendance/pair.html", {"form": PairForm()})
    response = render(request, "attendance/kiosk.html", {"kiosk": kiosk})
    _keep(response, token)
    return response


@login_not_required
@require_POST
def pair(request: HttpRequest) -> HttpResponse:
    form = PairForm(request.POST)
    status = 400
    if form.is_valid():
        try:
            _, token = pair_kiosk(code=form.cleaned_data["code"], address=client_address(request.META))
            response: HttpResponse = redirect("kiosk:page")
            _keep(response, token)
            return response
        except PairingRefused as refusal:
            form.add_error("code", str(refusal))
            status = 429 if isinstance(refusal, TooManyCodes) else 400
    return render(request, "attendance/pair.html", {"form": form}, status=status)


def _keep(response: HttpResponse, token: str) -> None:
    response.set_cookie(
        cookie_name(),
        token,
        max_age=LASTS_S,
        path=settings.SESSION_COOKIE_PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )
