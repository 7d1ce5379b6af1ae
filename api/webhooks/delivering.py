"""Messages leave the outbox. One process of the site sends (a lease in the database), up to THREADS receivers at once.

A receiver that is slow or away holds up nobody else: its messages wait for it in their order of being due, and are
tried again for three days, with longer and longer pauses that are spread out by chance.
"""

from __future__ import annotations

import json
import logging
import random
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

from django.db import DatabaseError, InterfaceError, close_old_connections, transaction
from django.utils import timezone

from api.models import Delivery, OutboxMessage, Webhook
from api.webhooks import problems
from api.webhooks.secrets import secrets_of
from api.webhooks.sending import Reply, send
from api.webhooks.signing import headers_for
from security.audit.actions import Action
from security.audit.recording import record
from security.background import Background
from security.days import moment
from security.encryption.site_keys import SiteKeyUnusable
from security.events import log_event
from security.leases import LeaseLost, LeaseTaken, lease
from security.meters import WEBHOOK_TRIES

logger = logging.getLogger("facesite.webhooks")

LEASE: Final = "webhooks"
POLL_S: Final = 2.0
"""How often a process looks for messages that another one left."""
JOIN_S: Final = 1.0
THREADS: Final = 4
BATCH: Final = 100
PER_RECEIVER: Final = 20
"""Messages for one receiver in a row; then others have their turn."""
PAUSES_S: Final = (5, 60, 300, 1_800, 7_200, 18_000, 36_000)
"""After the first failure, the second, ...; then the last one again."""
SPREAD: Final = 0.2
"""Each pause is up to this share shorter or longer, so that receivers are not called all at once."""
GIVE_UP: Final = timedelta(days=3)
"""After a message."""
END_AFTER: Final = timedelta(days=7)
"""Without any success: the webhook is switched off."""


def deliver_due(stopping: threading.Event | None = None) -> int:
    """Try what is due now. Returns how many messages were tried. Call it with the lease held."""
    now = timezone.now()
    due = Delivery.objects.filter(due_at__lte=now, webhook__ended="").select_related("message", "webhook")
    rows = sorted(due.order_by("due_at", "pk")[:BATCH], key=lambda row: row.webhook_id)
    groups = [list(group)[:PER_RECEIVER] for _, group in groupby(rows, key=lambda row: row.webhook_id)]
    if len(groups) == 1:
        return _deliver_to_one(groups[0], stopping)
    with ThreadPoolExecutor(THREADS, thread_name_prefix="webhook") as pool:
        return sum(pool.map(lambda group: _in_own_connection(group, stopping), groups))


def _in_own_connection(rows: Sequence[Delivery], stopping: threading.Event | None) -> int:
    try:
        return _deliver_to_one(rows, stopping)
    finally:
        close_old_connections()


def _deliver_to_one(rows: Sequence[Delivery], stopping: threading.Event | None) -> int:
    """The messages of one receiver, until one fails: the others then wait for the next round."""
    for number, row in enumerate(rows, start=1):
        if stopping is not None and stopping.is_set():
            return number - 1
        if not _try(row):
            return number
    return len(rows)


def _try(row: Delivery) -> bool:
    """Whether the receiver took it."""
    secrets = secrets_of(row.webhook)
    if secrets:
        body = body_of(row.message)
        timestamp = int(timezone.now().timestamp())
        reply = send(row.webhook.url, body, headers_for(message_id(row.message), timestamp, body, secrets))
    else:
        reply = Reply(None, problems.SECRET_LOST)
    WEBHOOK_TRIES.labels("accepted" if reply.accepted else "failed").inc()
    note_reply(row, reply)
    return reply.accepted


def message_id(message: OutboxMessage) -> str:
    """The same for every try, so that a receiver can tell that it has it already."""
    return f"msg_{message.uuid.hex}"


def body_of(message: OutboxMessage) -> bytes:
    """The JSON that is sent and signed."""
    told = {"type": message.event, "timestamp": moment(message.at), "data": message.data}
    return json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode()


def note_reply(row: Delivery, reply: Reply) -> None:
    """Keep what came of a try, and switch off a webhook whose receiver is gone or has failed for a week."""
    now = timezone.now()
    with transaction.atomic():
        webhook = Webhook.objects.select_for_update().filter(pk=row.webhook_id).first()
        if webhook is None:  # deleted meanwhile, and its deliveries with it
            return
        row.tries, row.tried_at, row.status = row.tries + 1, now, reply.status
        row.problem = reply.problem or ("" if reply.accepted else problems.ANSWERED.format(status=reply.status))
        if reply.accepted:
            row.delivered_at, row.due_at = now, None
            webhook.delivered_at, webhook.failing_since = now, None
        else:
            row.due_at = next_try(row, reply, now)
            webhook.failing_since = webhook.failing_since or now
        row.save(update_fields=["tries", "tried_at", "status", "problem", "delivered_at", "due_at"])
        if ended := _reason_to_end(webhook, reply, now):
            webhook.ended = ended
            record(Action.WEBHOOK_ENDED, actor=None, target=webhook.uuid, why=ended)
            log_event(logger, "webhook_ended", level=logging.WARNING, webhook=str(webhook.uuid), why=ended)
        webhook.save(update_fields=["delivered_at", "failing_since", "ended"])


def next_try(row: Delivery, reply: Reply, now: datetime) -> datetime | None:
    """When to try again; None: never, for the message is older than GIVE_UP by then."""
    pause = PAUSES_S[min(row.tries, len(PAUSES_S)) - 1] * random.uniform(1 - SPREAD, 1 + SPREAD)  # noqa: S311 - no secret
    later = now + timedelta(seconds=max(pause, reply.retry_after_s or 0))
    return later if later - row.message.at <= GIVE_UP else None


def _reason_to_end(webhook: Webhook, reply: Reply, now: datetime) -> str:
    if reply.gone:
        return Webhook.Ended.GONE
    failing = webhook.failing_since is not None and now - webhook.failing_since >= END_AFTER
    return Webhook.Ended.FAILING if failing else ""


class Courier(Background):
    """The thread of one process. Only that of the process which holds the lease sends.

    stop() waits for the message that is on its way; what is not noted then is sent once more, with the same id.
    """

    def __init__(self) -> None:
        super().__init__("courier", every_s=POLL_S, join_s=JOIN_S)

    def look(self) -> None:
        """What is in the way now may be gone next time."""
        try:
            self.send_what_is_due()
        except (LeaseTaken, LeaseLost):
            return
        except SiteKeyUnusable as error:
            log_event(logger, "webhooks_wait", level=logging.ERROR, problem=str(error))
        except (DatabaseError, InterfaceError):
            log_event(logger, "webhooks_wait", level=logging.DEBUG, exc_info=True)
        except Exception:  # the top of a thread: nobody else would notice
            log_event(logger, "webhooks_failed", level=logging.ERROR, exc_info=True)

    def send_what_is_due(self) -> None:
        """Raises LeaseTaken, LeaseLost, SiteKeyUnusable, DatabaseError."""
        if not Delivery.objects.filter(due_at__lte=timezone.now(), webhook__ended="").exists():
            return
        with lease(LEASE) as held:
            while deliver_due(self._stopping) and not self._stopping.is_set():
                held.beat()


courier = Courier()
