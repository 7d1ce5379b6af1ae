"""What operators do with groups. A search never asks for a group, so the gallery's revision stays as it is."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from django.db import IntegrityError, transaction

from enrollment.errors import GroupNameInvalid, GroupNameTaken
from enrollment.membership import MAY_PUT_IN, add_members, remove_members
from enrollment.models import Person, PersonGroup
from enrollment.naming import fold, is_printable, tidy
from security.actors import Actor, actor_id
from security.allowing import require
from security.audit.actions import Action
from security.audit.recording import record, record_all
from security.events import log_event
from security.rights import Right

logger = logging.getLogger("facesite.enrollment")
LONGEST_NAME = 100


def create_group(*, actor: Actor | None, name: str) -> PersonGroup:
    """Raises GroupNameInvalid, GroupNameTaken."""
    require(actor, Right.CORRECT)
    group = PersonGroup(created_by=actor)  # type: ignore[misc]  # AUTH_USER_MODEL is whatever the login was
    with transaction.atomic():
        _save_named(group, name)
        record(Action.GROUP_CREATED, actor=actor, target=group.uuid)
    log_event(logger, "group_created", group=str(group.uuid), actor=actor_id(actor))
    return group


def rename_group(*, actor: Actor | None, group: PersonGroup, name: str) -> None:
    """Raises GroupNameInvalid, GroupNameTaken."""
    require(actor, Right.CORRECT)
    with transaction.atomic():
        _save_named(group, name)
        record(Action.GROUP_RENAMED, actor=actor, target=group.uuid)
    log_event(logger, "group_renamed", group=str(group.uuid), actor=actor_id(actor))


def delete_group(*, actor: Actor | None, group: PersonGroup) -> None:
    """The people stay as they are; each has a row in the audit trail that they left."""
    require(actor, Right.CORRECT)
    with transaction.atomic():
        members = list(group.people.order_by("pk").values_list("uuid", flat=True))
        record_all(Action.GROUP_LEFT, actor=actor, targets=members, group=str(group.uuid), together=len(members))
        record(Action.GROUP_DELETED, actor=actor, target=group.uuid, people=len(members))
        PersonGroup.objects.filter(pk=group.pk).delete()
    log_event(logger, "group_deleted", group=str(group.uuid), people=len(members), actor=actor_id(actor))


def put_into_group(*, actor: Actor | None, group: PersonGroup, people: Iterable[Person]) -> int:
    """Returns how many were not in it before."""
    require(actor, *MAY_PUT_IN)
    with transaction.atomic():
        return add_members(actor, group, people)


def take_out_of_group(*, actor: Actor | None, group: PersonGroup, people: Iterable[Person]) -> int:
    """Returns how many were in it before."""
    require(actor, Right.CORRECT)
    with transaction.atomic():
        return remove_members(actor, group, people)


def set_groups_of(*, actor: Actor | None, person: Person, groups: Iterable[PersonGroup]) -> None:
    """Exactly these groups, as the person's page says it."""
    require(actor, Right.CORRECT)
    wanted, had = {group.pk: group for group in groups}, {group.pk: group for group in person.groups.all()}
    with transaction.atomic():
        for pk in sorted(wanted.keys() - had.keys()):
            put_into_group(actor=actor, group=wanted[pk], people=[person])
        for pk in sorted(had.keys() - wanted.keys()):
            take_out_of_group(actor=actor, group=had[pk], people=[person])


def clean_group_name(name: str) -> str:
    """The name as it is stored. Raises GroupNameInvalid."""
    name = tidy(name)
    if not name or len(name) > LONGEST_NAME or not is_printable(name):
        raise GroupNameInvalid
    return name


def require_free_group_name(name: str, *, except_for: PersonGroup | None = None) -> None:
    """Raises GroupNameTaken, also for a name that differs in case or accents alone: the two could not be told apart."""
    others = PersonGroup.objects.exclude(pk=except_for.pk) if except_for else PersonGroup.objects.all()
    if fold(name) in {fold(other) for other in others.values_list("name", flat=True)}:
        raise GroupNameTaken


def _save_named(group: PersonGroup, name: str) -> None:
    group.name = clean_group_name(name)
    require_free_group_name(group.name, except_for=group if group.pk else None)
    try:
        with transaction.atomic():
            group.full_clean(exclude={"created_by"}, validate_unique=False)
            group.save()
    except IntegrityError:  # another process took it between the check and the write
        raise GroupNameTaken from None
