"""The pages of webhooks. Parse, authorise, call one service, render."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from api.models import Delivery
from api.webhooks import services
from api.webhooks.forms import WebhookForm
from api.webhooks.problems import problem_in_words
from security.rights import Right
from security.web import actor_of, read_or_post, requires

DELIVERIES = 50


@requires(Right.MANAGE_SITE)
@require_safe
def webhooks(request: HttpRequest) -> HttpResponse:
    return render(request, "api/webhooks.html", {"webhooks": services.list_webhooks()})


@requires(Right.MANAGE_SITE)
@read_or_post
def new_webhook(request: HttpRequest) -> HttpResponse:
    """A POST answers with the secret itself: it is shown once."""
    form = WebhookForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            webhook, secret = services.create_webhook(actor=actor_of(request), **form.cleaned_data)
        except services.TooManyWebhooks as error:
            form.add_error(None, str(error))
        else:
            return render(request, "api/webhook_secret.html", {"webhook": webhook, "secret": secret})
    return render(request, "api/new_webhook.html", {"form": form}, status=400 if form.errors else 200)


@requires(Right.MANAGE_SITE)
@require_safe
def webhook(request: HttpRequest, uuid: UUID) -> HttpResponse:
    found = get_object_or_404(services.list_webhooks(), uuid=uuid)
    deliveries = found.deliveries.select_related("message")[:DELIVERIES]
    return render(
        request,
        "api/webhook.html",
        {"webhook": found, "deliveries": [(each, problem_in_words(each.problem)) for each in deliveries]},
    )


@requires(Right.MANAGE_SITE)
@require_POST
def switch(request: HttpRequest, uuid: UUID) -> HttpResponse:
    found = get_object_or_404(services.list_webhooks(), uuid=uuid)
    on = request.POST.get("on") == "yes"
    services.switch_webhook(actor=actor_of(request), webhook=found, on=on)
    said = _("Messages are sent again.") if on else _("No messages are sent until you switch it on.")
    messages.success(request, said)
    return redirect("webhooks:one", uuid)


@requires(Right.MANAGE_SITE)
@require_POST
def test(request: HttpRequest, uuid: UUID) -> HttpResponse:
    found = get_object_or_404(services.list_webhooks(), uuid=uuid)
    services.send_test(actor=actor_of(request), webhook=found)
    messages.success(request, _("A test message is on its way. Load this page again to see what came of it."))
    return redirect("webhooks:one", uuid)


@requires(Right.MANAGE_SITE)
@require_POST
def renew_secret(request: HttpRequest, uuid: UUID) -> HttpResponse:
    found = get_object_or_404(services.list_webhooks(), uuid=uuid)
    secret = services.renew_secret(actor=actor_of(request), webhook=found)
    return render(request, "api/webhook_secret.html", {"webhook": found, "secret": secret, "renewed": True})


@requires(Right.MANAGE_SITE)
@require_POST
def delete(request: HttpRequest, uuid: UUID) -> HttpResponse:
    found = get_object_or_404(services.list_webhooks(), uuid=uuid)
    services.delete_webhook(actor=actor_of(request), webhook=found)
    messages.success(request, _("Nothing is sent to {url} any more.").format(url=found.url))
    return redirect("webhooks:all")


@requires(Right.MANAGE_SITE)
@require_POST
def replay(request: HttpRequest, uuid: UUID, pk: int) -> HttpResponse:
    found = get_object_or_404(Delivery, pk=pk, webhook__uuid=uuid)
    services.replay(actor=actor_of(request), delivery=found)
    messages.success(request, _("The message is sent once more."))
    return redirect("webhooks:one", uuid)
