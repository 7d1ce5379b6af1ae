"""Days and moments by the site's clocks (TIME_ZONE). The database keeps UTC and is never asked what day it is there.

MySQL would need its own time zone tables for that, which most servers lack.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final

from django.db.models import Q
from django.utils import timezone

_FIRST: Final = date(1, 1, 2)
_LAST: Final = date(9999, 12, 30)
"""Beyond these a moment in UTC may have no date."""


def day_begins(day: date) -> datetime:
    """The first moment of a day; aware. Where clocks skip midnight it is as if they had not."""
    return timezone.make_aware(datetime.combine(day, time.min))


def in_days(field: str, since: date | None, until: date | None) -> Q:
    """Rows whose moment lies in these days, both included. None bounds nothing."""
    condition = Q(**{f"{field}__gte": day_begins(since)}) if since and since >= _FIRST else Q()
    if until and until < _LAST:
        condition &= Q(**{f"{field}__lt": day_begins(until + timedelta(days=1))})
    return condition


def moment(at: datetime | None) -> str | None:
    """As exports say it, by the site's clocks: see said_in(). None for None."""
    return said_in(timezone.get_current_timezone(), at) if at else None


def said_in(zone: tzinfo, at: datetime) -> str:
    """ISO 8601 to the second, with the offset from UTC. Whoever says a million moments looks the zone up once."""
    return at.astimezone(zone).isoformat("T", "seconds")
