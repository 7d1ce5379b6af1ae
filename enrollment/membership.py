"""Who is in which group: the rows, and what the audit trail says of them. Its callers ask for the right."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from uuid import UUID

from enrollment.errors import GroupUnknown
from enrollment.models import Person, PersonGroup
from security.actors import Actor, actor_id
from security.audit.actions import Action
from security.audit.recording import record_all
from security.events import log_event
from security.rights import Right
from security.tables import in_chunks

logger = logging.getLogger("facesite.enrollment")
MAY_PUT_IN = (Right.CORRECT, Right.ENROL)
"""Either is enough: a receptionist who enrols says which group somebody belongs to."""
CHUNK = 500
"""People looked up in one query: SQLite takes no more than some 32,000 parameters, MySQL grows slow before that."""


def lock_groups(groups: Collection[PersonGroup]) -> list[PersonGroup]:
    """These groups as they are now, locked until the transaction ends. Raises GroupUnknown when one was deleted."""
    wanted = {group.pk for group in groups}
    found = list(PersonGroup.objects.select_for_update().filter(pk__in=wanted).order_by("pk")) if wanted else []
    if len(found) != len(wanted):
        raise GroupUnknown
    return found


def add_members(actor: Actor | None, group: PersonGroup, people: Iterable[Person]) -> int:
    """Returns how many were not in it before. Call it last in a transaction."""
    asked = {person.pk: person.uuid for person in people}
    there = _members_among(group, asked)
    new = {pk: uuid for pk, uuid in asked.items() if pk not in there}
    for keys in in_chunks(list(new), CHUNK):
        group.people.add(*keys)
    _record_move(Action.GROUP_JOINED, actor, group, new.values())
    return len(new)


def remove_members(actor: Actor | None, group: PersonGroup, people: Iterable[Person]) -> int:
    """Returns how many were in it before. Call it last in a transaction."""
    asked = {person.pk: person.uuid for person in people}
    there = _members_among(group, asked)
    leaving = {pk: uuid for pk, uuid in asked.items() if pk in there}
    for keys in in_chunks(list(leaving), CHUNK):
        group.people.remove(*keys)
    _record_move(Action.GROUP_LEFT, actor, group, leaving.values())
    return len(leaving)


def _members_among(group: PersonGroup, keys: Collection[int]) -> set[int]:
    """Not all of the group's: whoever is enrolled into one of 50,000 waits for none of them."""
    chunks = in_chunks(list(keys), CHUNK)
    return {pk for some in chunks for pk in group.people.filter(pk__in=some).values_list("pk", flat=True)}


def _record_move(action: Action, actor: Actor | None, group: PersonGroup, uuids: Collection[UUID]) -> None:
    record_all(action, actor=actor, targets=uuids, group=str(group.uuid), together=len(uuids))
    log_event(logger, action.name.lower(), group=str(group.uuid), people=len(uuids), actor=actor_id(actor))
