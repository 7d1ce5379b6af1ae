"""What the pages of every app share: who asks, which requests they take, whom they are about. It has no page."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, cast
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AbstractUser
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from enrollment import selectors
from enrollment.errors import PersonUnknown
from enrollment.models import Person

View = Callable[..., HttpResponse]

read_or_post = require_http_methods(["GET", "HEAD", "POST"])


def requires(permission: str, *, staff: bool = False) -> Callable[[View], View]:
    """A login first; then 403 for operators without this permission of Django's or, with `staff`, without staff rights.

    permission: "app.action_model", as the admin asks for it.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            operator = actor_of(request)
            if not operator.has_perm(permission) or (staff and not operator.is_staff):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return login_required(checked)

    return decorate


def actor_of(request: HttpRequest) -> AbstractUser:
    """The operator; every view here requires a login."""
    return cast(AbstractUser, request.user)


def person_or_404(uuid: UUID) -> Person:
    """Raises Http404 when there is no such person."""
    try:
        return selectors.person_by_uuid(uuid)
    except PersonUnknown as error:
        raise Http404(str(error)) from None


def count_of(number: int, noun: str) -> str:
    """The number and the noun, with an "s" unless it is 1: "3 samples"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
