"""How far the engine has been told, and which part of that every search of it sees."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from enrollment.models import GalleryCopy

SETTLE_S: float = 6.0
"""So long after it was sent, every bounded search sees a row: the server's graceful time is 5 s, and clocks differ."""
NEW: Final = {"epoch": None, "revision": 0, "marked_revision": 0, "marked_at": None, "settled_revision": 0}


def is_settled(copy: GalleryCopy, now: datetime) -> bool:
    """Whether what was sent when marked_at says is seen by every search."""
    return copy.marked_at is not None and now - copy.marked_at >= timedelta(seconds=SETTLE_S)


def settled_revision(copy: GalleryCopy) -> int:
    """Every search of the engine sees all changes up to this one."""
    return copy.marked_revision if is_settled(copy, timezone.now()) else copy.settled_revision


def note_sent(copy: GalleryCopy, number: int) -> None:
    """Everything up to `number` was sent just now. Call it after the engine said so."""
    now = timezone.now()
    if copy.marked_at is None or is_settled(copy, now):
        copy.settled_revision, copy.marked_revision, copy.marked_at = copy.marked_revision, number, now
    copy.revision = number
    copy.save()


def note_settled(copy: GalleryCopy, number: int) -> None:
    """Everything up to `number` was compared, and what was sent for it has settled."""
    copy.revision = copy.marked_revision = copy.settled_revision = number
    copy.marked_at = timezone.now()
    copy.save()


def wants_a_mark(copy: GalleryCopy) -> bool:
    """Something was sent since the mark, and the mark has done its work."""
    return copy.revision > copy.marked_revision and is_settled(copy, timezone.now())


def forget(copy: GalleryCopy) -> None:
    """Nothing is known of the engine's rows: all of them are compared again."""
    for name, value in NEW.items():
        setattr(copy, name, value)
    copy.save()
