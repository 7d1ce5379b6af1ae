"""How an audit row is written: in the transaction of the change that it is about, chained to the row before it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from security.actors import Actor
from security.audit.actions import Action
from security.audit.chain import Row, time_text
from security.happenings import happened
from security.models import AuditEvent, AuditHead, KeyActor
from security.source import COMMAND, PRODUCT, current_source
from security.statements import insert_rows

Change = tuple[Action, object, Mapping[str, Any]]
"""An action, the id of what was changed, facts; as record() takes them."""


def record(action: Action, *, actor: Actor | None, target: object = "", **facts: Any) -> AuditEvent:
    """Append one row. Call it last in the change's transaction: it locks the chain's end until the commit.

    Whoever also moves the gallery's revision does that first; so all writers lock both rows in the same order.
    target: the id of what was changed (a uuid, a primary key); the kind is the action's. actor None: a command, or the
    product by itself. facts: JSON values, ids, counts, codes and settings, never names, pictures or vectors.
    """
    return record_all(action, actor=actor, targets=[target], **facts)[0]


def record_all(action: Action, *, actor: Actor | None, targets: Iterable[object], **facts: Any) -> list[AuditEvent]:
    """record() for several targets of the same change, with as few queries as for one."""
    wanted, facts = list(targets), _as_json(facts)
    events = _append(actor, [(action, target, facts) for target in wanted])
    if events:
        happened(action.value, wanted, facts)
    return events


def record_each(*, actor: Actor | None, changes: Iterable[Change]) -> list[AuditEvent]:
    """record() for several changes of one transaction, in their order, with as few queries as for one."""
    wanted = [(action, target, _as_json(facts)) for action, target, facts in changes]
    events = _append(actor, wanted)
    for action, target, facts in wanted:
        happened(action.value, [target], facts)
    return events


def _as_json(facts: Mapping[str, Any]) -> dict[str, Any]:
    """As they will be read again: tuples become lists, and what is no JSON is refused here and now."""
    read: dict[str, Any] = json.loads(json.dumps(facts, allow_nan=False))
    return read


def _append(actor: Actor | None, changes: Sequence[Change]) -> list[AuditEvent]:
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("An audit row belongs into the transaction of the change.")
    if not changes:
        return []
    who, source = name_in_trail(actor), current_source()
    head = _locked_head()
    number, last_hash = head.number, head.hash
    events = []
    for action, target, facts in changes:
        number += 1
        event = AuditEvent(
            number=number,
            at=timezone.now(),
            action=action.value,
            actor=who,
            target=f"{action.value.partition('.')[0]}:{target}"[:100] if target else "",
            facts=facts,
            source=source,
            previous_hash=last_hash,
        )
        event.hash = last_hash = hash_of(event)
        events.append(event)
    insert_rows(events)
    AuditHead.objects.filter(pk=head.pk).update(number=number, hash=last_hash)
    return events


def row_of(event: AuditEvent) -> Row:
    return Row(
        event.number,
        time_text(event.at),
        event.action,
        event.actor,
        event.target,
        event.facts,
        event.source,
        event.previous_hash,
        event.hash,
    )


def hash_of(event: AuditEvent) -> str:
    """SHA-256 of the row's canonical JSON, which holds the hash of the row before it."""
    return row_of(event).digest()


def name_in_trail(actor: Actor | None) -> str:
    """operator:<id>, api_key:<id>, command or product: no names."""
    if actor is None:
        return COMMAND if current_source().startswith(f"{COMMAND} ") else PRODUCT
    if isinstance(actor, KeyActor):
        return f"api_key:{actor.key_id}"
    return f"operator:{actor.pk}" if actor.pk else "anonymous"


def _locked_head() -> AuditHead:
    """The chain's end. A migration made the row; a database that was flushed has lost it."""
    rows = AuditHead.objects.select_for_update().filter(pk=AuditHead.SINGLETON_PK)
    head = rows.first()
    if head is None:
        AuditHead.objects.get_or_create(pk=AuditHead.SINGLETON_PK)
        head = rows.get()
    return head
