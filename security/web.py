"""What the pages of every app share: who asks, which requests they take, what they need for it. It has no page."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AbstractUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_http_methods

View = Callable[..., HttpResponseBase]

read_or_post = require_http_methods(["GET", "HEAD", "POST"])


def requires(permission: str, *, staff: bool = False) -> Callable[[View], View]:
    """A login first; then 403 for operators without this permission of Django's or, with `staff`, without staff rights.

    permission: "app.action_model", as the admin asks for it.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            operator = actor_of(request)
            if not operator.has_perm(permission) or (staff and not operator.is_staff):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return login_required(checked)

    return decorate


def actor_of(request: HttpRequest) -> AbstractUser:
    """The operator; every view here requires a login."""
    return cast(AbstractUser, request.user)
