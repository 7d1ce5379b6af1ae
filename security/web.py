"""What the pages of every app share: who asks, which requests they take, what they need for it. It has no page."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AbstractUser
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_http_methods

from security.allowing import require
from security.rights import Right

View = Callable[..., HttpResponseBase]

read_or_post = require_http_methods(["GET", "HEAD", "POST"])


def requires(right: Right, *others: Right) -> Callable[[View], View]:
    """A login first; then 403 for operators who have neither this right nor one of the others.

    The services ask again: this only keeps a page from being shown to somebody who could do nothing there.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            require(actor_of(request), right, *others)
            return view(request, *args, **kwargs)

        return login_required(checked)

    return decorate


def actor_of(request: HttpRequest) -> AbstractUser:
    """The operator; every view here requires a login."""
    return cast(AbstractUser, request.user)
