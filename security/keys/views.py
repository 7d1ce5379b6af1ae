"""The pages of API keys. Parse, authorise, call one service, render."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from security.keys import services
from security.keys.forms import NewKeyForm
from security.rights import Right
from security.web import actor_of, read_or_post, requires


@requires(Right.MANAGE_SITE)
@require_safe
def api_keys(request: HttpRequest) -> HttpResponse:
    context = {"keys": services.list_keys(), "now": timezone.now()}
    return render(request, "security/api_keys.html", context)


@requires(Right.MANAGE_SITE)
@read_or_post
def new_api_key(request: HttpRequest) -> HttpResponse:
    """A POST answers with the secret itself: it is shown once and kept nowhere."""
    form = NewKeyForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        data = form.cleaned_data
        key, secret = services.create_key(actor=actor_of(request), expires_at=data.pop("expires"), **data)
        return render(request, "security/api_key_secret.html", {"key": key, "secret": secret})
    return render(request, "security/new_api_key.html", {"form": form}, status=400 if form.errors else 200)


@requires(Right.MANAGE_SITE)
@require_POST
def revoke_api_key(request: HttpRequest, pk: int) -> HttpResponse:
    key = get_object_or_404(services.list_keys(), pk=pk)
    if services.revoke_key(actor=actor_of(request), key=key):
        messages.success(request, _("{key} was revoked. Programs that still use it are refused.").format(key=key))
    return redirect("security:api_keys")
