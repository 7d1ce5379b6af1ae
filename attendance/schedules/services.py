"""The writes of schedules and days off. Each is on record with what it was before."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from attendance.models import DayOff, Schedule
from enrollment.models import PersonGroup
from security.actors import Actor
from security.allowing import require
from security.audit.actions import Action
from security.audit.recording import record
from security.rights import Right

FIELDS: Final = ("name", "weekdays", "starts_at", "ends_at", "grace_minutes", "valid_from", "valid_until")


def save_schedule(
    *, actor: Actor | None, schedule: Schedule, groups: Collection[PersonGroup] | None = None
) -> Schedule:
    """A new one, or a changed one: past days are judged by it too. groups: None is everybody.

    Raises NotAllowed, ValidationError.
    """
    require(actor, Right.MANAGE_SITE)
    if groups is not None and not groups:
        raise ValidationError({"groups": _("Choose at least one group, or everybody.")})
    schedule.for_everybody = groups is None
    schedule.full_clean()
    with transaction.atomic():
        old = Schedule.objects.select_for_update().filter(pk=schedule.pk).first() if schedule.pk else None
        before = _facts(old) if old else None
        schedule.save()
        schedule.groups.set(groups or ())
        record(Action.SCHEDULE_SAVED, actor=actor, target=schedule.pk, before=before, after=_facts(schedule))
    return schedule


def delete_schedule(*, actor: Actor | None, schedule: Schedule) -> None:
    """Nobody was ever late by it then: to end one, give it a last day. Raises NotAllowed."""
    require(actor, Right.MANAGE_SITE)
    with transaction.atomic():
        record(Action.SCHEDULE_DELETED, actor=actor, target=schedule.pk, before=_facts(schedule))
        schedule.delete()


def add_day_off(*, actor: Actor | None, day: date, name: str) -> DayOff:
    """Raises NotAllowed, ValidationError."""
    require(actor, Right.MANAGE_SITE)
    off = DayOff(day=day, name=" ".join(name.split()))
    off.full_clean()
    with transaction.atomic():
        off.save(force_insert=True)
        record(Action.DAY_OFF_SAVED, actor=actor, target=off.pk, day=day.isoformat(), name=off.name)
    return off


def delete_day_off(*, actor: Actor | None, off: DayOff) -> None:
    """Raises NotAllowed."""
    require(actor, Right.MANAGE_SITE)
    with transaction.atomic():
        record(Action.DAY_OFF_DELETED, actor=actor, target=off.pk, day=off.day.isoformat(), name=off.name)
        off.delete()


def _facts(schedule: Schedule) -> dict[str, Any]:
    facts = {name: _fact(getattr(schedule, name)) for name in FIELDS}
    return facts | {"groups": None if schedule.for_everybody else [group.name for group in schedule.groups.all()]}


def _fact(value: object) -> object:
    return value if value is None or isinstance(value, str | int) else str(value)
