"""To the OpenID provider and back. What fails becomes a sentence on the login page."""

from __future__ import annotations

from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from security.sign_in import openid
from security.sign_in.identities import operator_of
from security.sign_in.openid_calls import OpenIdFailed
from security.sign_in.provider import Provider
from security.sign_in.second_factor import SHOWN_ELSEWHERE
from security.sign_in.web import finish, next_step, safe_destination

JOURNEY = "openid_journey"


@require_safe
def begin(request: HttpRequest) -> HttpResponse:
    """Send the browser to the provider. `next` of the query is where it goes in the end, on this site."""
    provider, destination = _provider(), safe_destination(request)
    if request.user.is_authenticated:
        return HttpResponseRedirect(destination)
    try:
        address, journey = openid.set_out(provider, redirect_uri=_callback_address(request), next_url=destination)
    except OpenIdFailed as failure:
        return _login_page(request, failure, destination)
    request.session.flush()
    request.session[JOURNEY] = journey
    request.session.set_expiry(openid.PATIENCE_S)
    return HttpResponseRedirect(address)


@require_safe
def callback(request: HttpRequest) -> HttpResponse:
    """The provider sent the browser back. An answer counts once."""
    provider = _provider()
    if request.user.is_authenticated:  # somebody went back in the browser's history
        return HttpResponseRedirect(reverse(settings.LOGIN_REDIRECT_URL))
    journey = request.session.get(JOURNEY)
    request.session.flush()
    try:
        arrived = openid.arrive(
            provider, kept=journey, answer=request.GET.dict(), redirect_uri=_callback_address(request)
        )
        operator = operator_of(provider, arrived.claims)
    except OpenIdFailed as failure:
        return _login_page(request, failure, (journey or {}).get("next", ""))
    if arrived.had_second_factor:
        response = finish(request, operator, destination=arrived.next, by=f"{openid.BY_OPENID} with a second factor")
        request.session[SHOWN_ELSEWHERE] = True
    else:
        response = next_step(request, operator, destination=arrived.next, by=openid.BY_OPENID)
    if request.user.is_authenticated:
        request.session[openid.ID_TOKEN] = arrived.id_token
    return response


def _provider() -> Provider:
    provider: Provider | None = settings.FACESITE_OIDC
    if provider is None:
        raise Http404
    return provider


def _callback_address(request: HttpRequest) -> str:
    return request.build_absolute_uri(reverse("sign_in:openid_callback"))


def _login_page(request: HttpRequest, failure: OpenIdFailed, destination: str) -> HttpResponseRedirect:
    messages.error(request, str(failure))
    query = f"?{urlencode({'next': destination})}" if destination else ""
    return HttpResponseRedirect(f"{reverse('login')}{query}")
