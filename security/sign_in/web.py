"""What follows a right password, whichever page asked for it."""

from __future__ import annotations

import logging
from typing import cast
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import SESSION_KEY, login
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from security.addresses import client_address
from security.audit.actions import Action
from security.audit.recording import record
from security.events import log_event
from security.meters import SIGN_INS
from security.sign_in import halfway, limits, second_factor
from security.sign_in.one_time import owes_password
from security.sign_in.sessions import begin_sign_in, forget_old_sessions

logger = logging.getLogger("facesite.sign_in")
BACKEND = "django.contrib.auth.backends.ModelBackend"


def next_step(request: HttpRequest, operator: User, *, destination: str, by: str = "password") -> HttpResponse:
    """After a right password: sign in, or ask for the second factor first, or for its set-up where it is demanded."""
    if second_factor.is_on(operator):
        page = "sign_in:code"
    elif second_factor.is_demanded(operator):
        page = "account:second_factor"
    else:
        return finish(request, operator, destination=destination, by=by)
    halfway.begin(request.session, operator, by=by)
    return HttpResponseRedirect(f"{reverse(page)}?{urlencode({'next': destination})}")


def finish(request: HttpRequest, operator: User, *, destination: str, by: str) -> HttpResponse:
    """Sign the operator in, write it down, and go on to `destination` (an address of this site).

    by: "password" or another way, for the audit trail.
    """
    address = client_address(request.META)
    with transaction.atomic():
        if SESSION_KEY in request.session:  # of a sign-in that has ended: nothing of it goes on
            request.session.flush()
        login(request, operator, backend=BACKEND)
        request.session.save()
        begin_sign_in(
            session_key=cast(str, request.session.session_key),
            operator=operator,
            address=address,
            user_agent=request.headers.get("User-Agent", ""),
        )
        limits.forgive(operator, address)
        limits.forget_old()
        forget_old_sessions()
        record(Action.SIGNED_IN, actor=operator, target=operator.pk, by=by)
    SIGN_INS.labels("signed_in").inc()
    log_event(logger, "signed_in", operator=operator.pk, by=by)
    if owes_password(operator):
        destination = f"{reverse('account:password')}?{urlencode({'next': destination})}"
    return HttpResponseRedirect(destination)


def safe_destination(request: HttpRequest) -> str:
    """`next` of the query where it leads to a page of this site; else the dashboard."""
    wanted = request.GET.get("next", "")
    if url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure()):
        return wanted
    return resolve_url(settings.LOGIN_REDIRECT_URL)
