"""How webhooks are set up, changed, tried and removed."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from api.models import Delivery, Webhook
from api.webhooks.events import EXPLAINED, Event
from api.webhooks.outbox import no_webhooks, queue
from api.webhooks.secrets import rotate_secret, store_secret
from api.webhooks.signing import new_secret
from api.webhooks.targets import clean_url
from security.actors import Actor
from security.allowing import require
from security.audit.actions import Action
from security.audit.recording import record
from security.rights import Right

MOST_WEBHOOKS = 20
"""Each is one more message for every event."""


class TooManyWebhooks(Exception):
    code: ClassVar[str] = "too_many_webhooks"

    def __init__(self) -> None:
        super().__init__(
            _("There are {most} webhooks already. Remove one that is not needed.").format(most=MOST_WEBHOOKS)
        )


def list_webhooks() -> QuerySet[Webhook]:
    """All of them, the newest first, with `waiting`: the number of messages that wait. One query."""
    waiting = Count("deliveries", filter=Q(deliveries__due_at__isnull=False))
    return Webhook.objects.select_related("created_by").annotate(waiting=waiting).order_by("-pk")


def messages_waiting() -> QuerySet[Delivery]:
    """Those that are still to be tried, for webhooks that are on."""
    return Delivery.objects.filter(due_at__isnull=False, webhook__ended="")


def ended_by_the_product() -> QuerySet[Webhook]:
    """Those that somebody should look at: the receiver is gone, or has failed for a week."""
    return Webhook.objects.filter(ended__in=[Webhook.Ended.GONE, Webhook.Ended.FAILING])


def create_webhook(*, actor: Actor | None, url: str, events: Collection[str]) -> tuple[Webhook, str]:
    """A new webhook and its secret, which is shown once. Raises NotAllowed, ValidationError, TargetForbidden,
    TooManyWebhooks.
    """
    require(actor, Right.MANAGE_SITE)
    secret = new_secret()
    webhook = Webhook(url=clean_url(url), events=clean_events(events), created_by=actor)  # type: ignore[misc]
    with transaction.atomic():
        if Webhook.objects.count() >= MOST_WEBHOOKS:
            raise TooManyWebhooks
        webhook.save(force_insert=True)
        transaction.on_commit(no_webhooks.forget)
        store_secret(webhook, secret)
        record(Action.WEBHOOK_CREATED, actor=actor, target=webhook.uuid, events=webhook.events)
    return webhook, secret


def delete_webhook(*, actor: Actor | None, webhook: Webhook) -> None:
    """With what waits for it. Raises NotAllowed, Webhook.DoesNotExist."""
    require(actor, Right.MANAGE_SITE)
    with transaction.atomic():
        _locked(webhook).delete()
        record(Action.WEBHOOK_DELETED, actor=actor, target=webhook.uuid)


def switch_webhook(*, actor: Actor | None, webhook: Webhook, on: bool) -> None:
    """Off: messages wait for up to three days. On: those are sent. Raises NotAllowed, Webhook.DoesNotExist."""
    require(actor, Right.MANAGE_SITE)
    with transaction.atomic():
        stored = _locked(webhook)
        if bool(stored.ended) is not on:
            return
        stored.ended, stored.failing_since = "" if on else Webhook.Ended.BY_HAND, None
        stored.save(update_fields=["ended", "failing_since"])
        transaction.on_commit(no_webhooks.forget)
        record(Action.WEBHOOK_CHANGED, actor=actor, target=stored.uuid, on=on)


def renew_secret(*, actor: Actor | None, webhook: Webhook) -> str:
    """A new secret, shown once; the old one signs too for a day. Raises NotAllowed, Webhook.DoesNotExist."""
    require(actor, Right.MANAGE_SITE)
    secret = new_secret()
    with transaction.atomic():
        rotate_secret(_locked(webhook), secret)
        record(Action.WEBHOOK_SECRET_RENEWED, actor=actor, target=webhook.uuid)
    return secret


def send_test(*, actor: Actor | None, webhook: Webhook) -> None:
    """Queue a message that says only that it is a test. Raises NotAllowed, Webhook.DoesNotExist."""
    require(actor, Right.MANAGE_SITE)
    with transaction.atomic():
        queue(Event.TEST, {"webhook": str(webhook.uuid)}, [_locked(webhook)])


def replay(*, actor: Actor | None, delivery: Delivery) -> None:
    """Send a message once more, with its own id. Raises NotAllowed, Delivery.DoesNotExist."""
    require(actor, Right.MANAGE_SITE)
    with transaction.atomic():
        stored = Delivery.objects.select_for_update().select_related("webhook").get(pk=delivery.pk)
        stored.due_at, stored.tries, stored.delivered_at, stored.problem = timezone.now(), 0, None, ""
        stored.save(update_fields=["due_at", "tries", "delivered_at", "problem"])
        record(Action.WEBHOOK_REPLAYED, actor=actor, target=stored.webhook.uuid, message=stored.message_id)


def clean_events(events: Collection[str]) -> list[str]:
    """In the order of Event. Raises ValidationError."""
    if unknown := set(events) - set(EXPLAINED):
        names = ", ".join(EXPLAINED)
        raise ValidationError(
            {
                "events": _("There is no event {event}. There are: {names}.").format(
                    event=sorted(unknown)[0][:60], names=names
                )
            }
        )
    if not events:
        raise ValidationError({"events": _("Choose at least one event: without one nothing would be sent.")})
    return [event.value for event in EXPLAINED if event in events]


def _locked(webhook: Webhook) -> Webhook:
    return Webhook.objects.select_for_update().get(pk=webhook.pk)
