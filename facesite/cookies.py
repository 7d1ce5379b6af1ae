"""Cookies of this site alone. A browser keeps them by host, whatever the port: two sites on one host share a jar."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.cache import patch_vary_headers

USUAL_NAME: Final = "csrftoken"
"""Where scripts that know Django look for the token of a form."""


class SiteCsrf(CsrfViewMiddleware):
    """Django's, on the site's own cookie. A copy under the usual name is for scripts, and counts when it comes alone.

    Browsers send the token from the form: the copy may be another site's without any harm.
    """

    def process_request(self, request: HttpRequest) -> None:
        if request.method == "POST" and USUAL_NAME in request.COOKIES:
            request.COOKIES.setdefault(settings.CSRF_COOKIE_NAME, request.COOKIES[USUAL_NAME])
        super().process_request(request)

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        response = super().process_response(request, response)
        secret = request.META.get("CSRF_COOKIE")
        if secret and request.COOKIES.get(USUAL_NAME) != secret:
            _set_copy(response, secret)
        return response


def _set_copy(response: HttpResponseBase, secret: str) -> None:
    response.set_cookie(
        USUAL_NAME,
        secret,
        max_age=settings.CSRF_COOKIE_AGE,
        path=settings.CSRF_COOKIE_PATH,
        secure=settings.CSRF_COOKIE_SECURE,
        httponly=settings.CSRF_COOKIE_HTTPONLY,
        samesite=settings.CSRF_COOKIE_SAMESITE,
    )
    patch_vary_headers(response, ("Cookie",))


class _MessagesCookie(CookieStorage):
    cookie_name = f"messages_{settings.SITE_MARK}"


class SiteMessages(FallbackStorage):
    """Django's, under the site's own name."""

    storage_classes = (_MessagesCookie, SessionStorage)
