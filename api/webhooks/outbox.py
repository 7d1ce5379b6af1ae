"""What happened becomes messages, in the transaction of the change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from django.db import transaction
from django.utils import timezone

from api.models import Delivery, OutboxMessage, Webhook
from api.webhooks.events import Event, events_of
from security.remembering import Remembered

no_webhooks: Remembered[Literal[True]] = Remembered(0.5)
"""Most sites have none. One that another process makes is told of what happens half a second later."""
on_queued: list[Callable[[], object]] = []
"""Called after the commit of a change that left messages: this process may send them at once."""


def put_into_outbox(what: str, about: Sequence[str], facts: Mapping[str, Any]) -> None:
    """A listener of security/happenings.py. No query for what is no event, nor where there was no webhook just now."""
    events = [event for each in about for event in events_of(what, each, facts)]
    webhooks = [] if not events or no_webhooks.value else list(Webhook.objects.filter(ended="").only("pk", "events"))
    if events and not webhooks:
        no_webhooks.keep(True)
    for event, data in events:
        wanting = [webhook for webhook in webhooks if event in webhook.events]
        if wanting:
            queue(event, data, wanting)


def queue(event: Event, data: Mapping[str, Any], webhooks: list[Webhook]) -> OutboxMessage:
    """One message, to be delivered to each of these. Call it in a transaction."""
    message = OutboxMessage.objects.create(event=event.value, data=dict(data))
    now = timezone.now()
    Delivery.objects.bulk_create(Delivery(message=message, webhook=webhook, due_at=now) for webhook in webhooks)
    for callback in on_queued:
        transaction.on_commit(callback)
    return message
