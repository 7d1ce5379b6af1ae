"""Webhooks through the API itself."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import HttpRequest
from ninja import Router, Status

from api.authorising import Bearer, actor_of
from api.describing import problems
from api.models import Webhook
from api.problems import ApiReason, Problem
from api.schemas import WebhookIn, WebhookMade, WebhookOut, WebhooksOut
from api.webhooks import services
from api.webhooks.targets import TargetForbidden
from enrollment.runtime.database import run_in_database_thread
from security.keys.scopes import Scope
from security.models import KeyActor

router = Router(tags=["webhooks"])
KEY = Bearer(Scope.WEBHOOKS)


@router.get("/webhooks", auth=KEY, response=WebhooksOut, openapi_extra={"responses": problems()})
async def list_webhooks(request: HttpRequest) -> WebhooksOut:
    """All of them, the newest first. Secrets are not shown again."""

    def read() -> WebhooksOut:
        return WebhooksOut(webhooks=[webhook_out(webhook) for webhook in services.list_webhooks()])

    return await run_in_database_thread(read)


@router.post("/webhooks", auth=KEY, response={201: WebhookMade}, openapi_extra={"responses": problems(409, 413, 415)})
async def create_webhook(request: HttpRequest, body: WebhookIn) -> Any:
    """A new one. `secret` verifies its signatures, and is shown only now."""
    actor = actor_of(request)

    def work() -> WebhookMade:
        webhook, secret = _create(actor, body)
        return WebhookMade(**webhook_out(webhook).model_dump(), secret=secret)

    return Status(201, await run_in_database_thread(work))


@router.delete("/webhooks/{uuid:webhook}", auth=KEY, response={204: None}, openapi_extra={"responses": problems()})
async def delete_webhook(request: HttpRequest, webhook: UUID) -> Any:
    """What waits for it is not sent any more."""
    actor = actor_of(request)

    def work() -> None:
        try:
            services.delete_webhook(actor=actor, webhook=Webhook.objects.get(uuid=webhook))
        except Webhook.DoesNotExist:
            raise Problem(404, ApiReason.NOT_FOUND, "There is no such webhook.") from None

    await run_in_database_thread(work)
    return Status(204, None)


def _create(actor: KeyActor, body: WebhookIn) -> tuple[Webhook, str]:
    """Raises Problem."""
    try:
        return services.create_webhook(actor=actor, url=body.url, events=body.events)
    except TargetForbidden as error:
        raise Problem(422, error.code, str(error)) from None
    except services.TooManyWebhooks as error:
        raise Problem(409, error.code, str(error)) from None
    except ValidationError as error:
        raise Problem(422, ApiReason.REQUEST_INVALID, " ".join(error.messages)) from None


def webhook_out(webhook: Webhook) -> WebhookOut:
    return WebhookOut(
        id=webhook.uuid,
        url=webhook.url,
        events=webhook.events,
        active=not webhook.ended,
        ended=webhook.ended or None,
        created_at=webhook.created_at,
        delivered_at=webhook.delivered_at,
        failing_since=webhook.failing_since,
    )
