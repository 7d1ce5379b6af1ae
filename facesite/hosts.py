"""A request for a host that is not allowed: its client gets a page that says whom to ask, the log what to set."""

from __future__ import annotations

import logging
from typing import Final

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.middleware.common import CommonMiddleware as DjangosCommonMiddleware
from django.template.loader import render_to_string
from django.utils import translation
from django.views import defaults

from facesite.languages import language_of
from facesite.logs import FewLines
from facesite.turnstile import PROBE_PATHS
from security.events import log_event

logger = logging.getLogger(__name__)
SHOWN_CHARACTERS: Final = 100
few_lines = FewLines(10)
"""Anybody can send any host, as often as they like."""


class CommonMiddleware(DjangosCommonMiddleware):
    """Django's, but probes get their answer under any host: load balancers ask by address."""

    def process_request(self, request: HttpRequest) -> HttpResponsePermanentRedirect | None:
        if request.path_info in PROBE_PATHS:
            return None
        return super().process_request(request)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400."""
    if not isinstance(exception, DisallowedHost):
        return defaults.bad_request(request, exception)
    tell_what_to_set(request.META.get("HTTP_HOST") or request.META.get("SERVER_NAME", ""))
    # Without the request: what it adds to a page's context asks for the host once more.
    with translation.override(language_of(request)):
        return HttpResponse(render_to_string("400_host.html"), status=400)


def tell_what_to_set(host: str) -> None:
    if few_lines.has_room():
        name = host.encode("ascii", "backslashreplace").decode()
        log_event(
            logger,
            "host_not_allowed",
            level=logging.WARNING,
            host="".join(letter if letter.isprintable() else "?" for letter in name)[:SHOWN_CHARACTERS],
            hint="If browsers should reach the site under this name, add it to ALLOWED_HOSTS.",
            left_out=few_lines.take_left_out(),
        )
