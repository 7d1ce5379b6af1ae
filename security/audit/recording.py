"""How an audit row is written: in the transaction of the change that it is about, chained to the row before it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django.db import transaction
from django.utils import timezone

from security.actors import Actor, actor_id
from security.audit.actions import Action
from security.audit.source import current_source
from security.models import AuditEvent, AuditHead


def record(action: Action, *, actor: Actor | None, target: object = "", **facts: Any) -> AuditEvent:
    """Append one row. Call it last in the change's transaction: it locks the chain's end until the commit.

    target: the id of what was changed (a uuid, a primary key); the kind is the action's. actor None: a command, or the
    product by itself. facts: JSON values, ids, counts, codes and settings, never names, pictures or vectors.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("An audit row belongs into the transaction of the change.")
    head = _locked_head()
    event = AuditEvent(
        number=head.number + 1,
        at=timezone.now(),
        action=action.value,
        actor=f"operator:{actor_id(actor)}" if actor else "product",
        target=f"{action.value.partition('.')[0]}:{target}" if target else "",
        facts=facts,
        source=current_source(),
        previous_hash=head.hash,
    )
    event.hash = hash_of(event)
    event.save(force_insert=True)
    AuditHead.objects.filter(pk=head.pk).update(number=event.number, hash=event.hash)
    return event


def hash_of(event: AuditEvent) -> str:
    """SHA-256 of the row's canonical JSON, which holds the hash of the row before it."""
    row = {
        "number": event.number,
        "at": event.at.isoformat(),
        "action": event.action,
        "actor": event.actor,
        "target": event.target,
        "facts": event.facts,
        "source": event.source,
        "previous_hash": event.previous_hash,
    }
    text = json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _locked_head() -> AuditHead:
    rows = AuditHead.objects.select_for_update().filter(pk=AuditHead.SINGLETON_PK)
    return rows.first() or AuditHead.objects.get_or_create(pk=AuditHead.SINGLETON_PK)[0]
