"""What pages, files and the API read of punches: a few queries, however many rows there are."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from attendance.models import LONGEST, Kiosk, Punch
from attendance.reports.stays import Stay
from enrollment.models import Person, PersonGroup
from security.audit.targets import TargetLink, valid_uuids
from security.days import day_begins, in_days

WORDS: Final = {
    Punch.Direction.IN.value: _("Check-in of {name}"),
    Punch.Direction.OUT.value: _("Check-out of {name}"),
}
LOOKED_BACK = timedelta(days=31)
"""For stays that nobody ended: older ones are history."""
ALONE: Final = Q(paired__in=[False])
"""A list, since SQLite finds nothing by an index for "NOT paired", which paired=False would be."""
AFTERWARDS: Final = Q(at__gt=OuterRef("at")) | Q(at=OuterRef("at"), pk__gt=OuterRef("pk"))
"""Of punches at the same moment the one that was entered first comes first."""


def valid_punches() -> QuerySet[Punch]:
    """Those that were not taken back, with their people."""
    return Punch.objects.filter(voided_at=None).select_related("person")


def with_evidence(punches: QuerySet[Punch]) -> QuerySet[Punch]:
    """With the attempt behind each, but for its picture."""
    return punches.select_related("attempt").defer("attempt__thumbnail")


def people_in(now: datetime | None = None) -> list[Stay]:
    """Who is in: everybody whose last punch within LONGEST is a check-in. By name; their punches have `first_group`."""
    groups = PersonGroup.objects.filter(people=OuterRef("person")).order_by("name").values("name")
    came = came_and_stayed(now or timezone.now()).annotate(first_group=Subquery(groups[:1]))
    came = came.order_by("person__name", "person_id")
    return [Stay(punch.person, punch, None) for punch in came]


def came_and_stayed(now: datetime) -> QuerySet[Punch]:
    """The check-ins of those who are in."""
    later = valid_punches().filter(person=OuterRef("person"), at__lte=now).filter(AFTERWARDS)
    recent = valid_punches().filter(ALONE, at__gt=now - LONGEST, at__lte=now)
    # Not "direction is in": SQLite would go through all who came, instead of those who have not gone.
    return recent.exclude(direction=Punch.Direction.OUT).exclude(Exists(later))


def lonely_punches(since: datetime, until: datetime) -> QuerySet[Punch]:
    """Check-ins that no check-out ended and check-outs without a check-in, as stays.py pairs them. Newest first."""
    return valid_punches().filter(ALONE, at__gte=since, at__lt=until).order_by("-at", "-pk")


def open_punches(now: datetime | None = None) -> QuerySet[Punch]:
    """Of the last LOOKED_BACK: where somebody forgot the other punch; not today's."""
    now = now or timezone.now()
    return lonely_punches(now - LOOKED_BACK, day_begins(timezone.localdate(now)))


def punches_on(day: date) -> QuerySet[Punch]:
    """All punches of a day, those that were taken back too, newest first."""
    rows = Punch.objects.select_related("person", "entered_by", "voided_by", "policy__saved_by")
    return with_evidence(rows).filter(in_days("at", day, day))


def has_kiosks() -> bool:
    """Whether some device at a door checks people in and out."""
    return Kiosk.objects.filter(mode=Kiosk.Mode.CHECK, revoked_at=None).exists()


def punches_of(person: Person, since: date, until: date) -> QuerySet[Punch]:
    """One person's, those that were taken back too, newest first."""
    rows = Punch.objects.select_related("entered_by", "voided_by", "policy__saved_by").filter(
        in_days("at", since, until), person=person
    )
    return with_evidence(rows)


def punch_by_uuid(uuid: UUID) -> Punch:
    """Raises Punch.DoesNotExist."""
    return Punch.objects.select_related("person").get(uuid=uuid)


def punch_or_none(uuid: str) -> Punch | None:
    """Also None for text that is no UUID."""
    return Punch.objects.select_related("person").filter(uuid__in=valid_uuids([uuid])).first()


def punches_between(since: datetime | None, until: datetime | None, person: UUID | None) -> QuerySet[Punch]:
    """With their evidence. until: no longer counted."""
    found = with_evidence(valid_punches())
    if since is not None:
        found = found.filter(at__gte=since)
    if until is not None:
        found = found.filter(at__lt=until)
    return found.filter(person__uuid=person) if person is not None else found


def audit_links(ids: Collection[str]) -> dict[str, TargetLink]:
    """What the audit trail calls a punch: uuid -> words and the person's page."""
    links = {}
    for punch in Punch.objects.select_related("person").filter(uuid__in=valid_uuids(ids)):
        words = WORDS[punch.direction].format(name=punch.person)
        links[str(punch.uuid)] = TargetLink(words, punch.person.get_absolute_url())
    return links
