"""What pages, files and the API read of punches: a few queries, however many rows there are."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from attendance.models import Kiosk, Punch
from attendance.reports.stays import LONGEST, PersonDay, Stay, days_of, stays_of
from enrollment.selectors import search_people
from security.audit.targets import TargetLink, valid_uuids
from security.days import in_days

LOOKED_BACK = timedelta(days=31)
"""For stays that nobody ended: older ones are history."""


def valid_punches() -> QuerySet[Punch]:
    """Those that were not taken back, with their people."""
    return Punch.objects.filter(voided_at=None).select_related("person")


def with_evidence(punches: QuerySet[Punch]) -> QuerySet[Punch]:
    """With the attempt behind each, but for its picture."""
    return punches.select_related("attempt").defer("attempt__thumbnail")


def people_in(now: datetime | None = None) -> list[Stay]:
    """Who is in: everybody whose last punch within LONGEST is a check-in. By name."""
    now = now or timezone.now()
    recent = valid_punches().filter(at__gt=now - LONGEST, at__lte=now)
    stays = {stay.person.pk: stay for stay in stays_of(recent)}  # each person's last one stays
    inside = [stay for stay in stays.values() if stay.came and not stay.left]
    return sorted(inside, key=lambda stay: (stay.person.name, stay.person.pk))


def open_days(now: datetime | None = None) -> list[PersonDay]:
    """Days of the last LOOKED_BACK on which somebody forgot a punch, newest first; not today's."""
    now = now or timezone.now()
    punches = valid_punches().filter(at__gte=now - LOOKED_BACK, at__lte=now)
    return [day for day in days_of(stays_of(punches)) if day.is_incomplete(now) and day.day < timezone.localdate(now)]


def person_days(since: date, until: date, *, text: str = "") -> list[PersonDay]:
    """The days of those whose name or external ID has all words of `text`; newest first."""
    # A stay over midnight needs the punches of the day after; what belongs to other days is left out again.
    punches = valid_punches().filter(in_days("at", since - timedelta(days=1), until + timedelta(days=1)))
    if text.strip():
        punches = punches.filter(person__in=search_people(text).order_by().values("pk"))
    return [day for day in days_of(stays_of(punches)) if since <= day.day <= until]


def punches_on(day: date) -> QuerySet[Punch]:
    """All punches of a day, those that were taken back too, newest first."""
    rows = Punch.objects.select_related("person", "entered_by", "voided_by")
    return with_evidence(rows).filter(in_days("at", day, day))


def has_kiosks() -> bool:
    """Whether some device at a door checks people in and out."""
    return Kiosk.objects.filter(mode=Kiosk.Mode.CHECK, revoked_at=None).exists()


def punch_by_uuid(uuid: UUID) -> Punch:
    """Raises Punch.DoesNotExist."""
    return Punch.objects.select_related("person").get(uuid=uuid)


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
        words = f"{punch.get_direction_display()} of {punch.person}"
        links[str(punch.uuid)] = TargetLink(words, punch.person.get_absolute_url())
    return links
