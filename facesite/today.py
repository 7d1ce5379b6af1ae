"""Who was seen today, and how the last two weeks went: what the dashboard begins with.

Both read the index of attempts by time alone, so a long history costs nothing. Days that are over hardly change: they
are counted once in KEPT_S, today anew each time.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, Max
from django.utils import timezone

from enrollment.models import Person
from enrollment.selectors import cover_thumbnails, search_people
from security.days import in_days
from verification.models import VerificationAttempt
from verification.selectors import DayCount, attempts_per_day

TREND_DAYS = 14
MOST_SEEN = 12
"""People whose picture stands on the dashboard; the others are a number."""
KEPT_S = 60.0
HEIGHT = 100.0


@dataclass(frozen=True, slots=True)
class Seen:
    person: Person
    last: datetime
    cover: str
    """Data URL; empty without a sample."""


@dataclass(frozen=True, slots=True)
class SeenToday:
    people: tuple[Seen, ...]
    """The last ones first, at most MOST_SEEN."""
    number: int
    """Of all who were recognised today."""

    @property
    def others(self) -> int:
        return self.number - len(self.people)


@dataclass(frozen=True, slots=True)
class TrendBar:
    """One part of one day, in units of the drawing: HEIGHT high, 10 units a day."""

    kind: str
    x: float
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Trend:
    days: tuple[DayCount, ...]
    """Oldest first; the last one is today."""
    bars: tuple[TrendBar, ...]
    most: int
    """Attempts of the highest day."""

    @property
    def width(self) -> float:
        return 10.0 * len(self.days)


class PastDays:
    """The days before today, counted again when the day changes and every KEPT_S."""

    def __init__(self) -> None:
        self._kept: tuple[date, float, list[DayCount]] | None = None

    def before(self, today: date) -> list[DayCount]:
        kept = self._kept
        if kept is None or kept[0] != today or time.monotonic() - kept[1] > KEPT_S:
            found = attempts_per_day(TREND_DAYS - 1, until=today - timedelta(days=1))
            kept = self._kept = today, time.monotonic(), found
        return kept[2]

    def forget(self) -> None:
        self._kept = None


past_days = PastDays()


def seen_today() -> SeenToday:
    """Everybody whom a decision of today named, by the site's clocks. Four queries."""
    today = timezone.localdate()
    matches = VerificationAttempt.objects.filter(
        in_days("created_at", today, today), verdict=VerificationAttempt.Verdict.MATCH, matched_person__isnull=False
    ).order_by()
    number = matches.aggregate(people=Count("matched_person", distinct=True))["people"]
    rows = matches.values_list("matched_person").annotate(last=Max("created_at")).order_by("-last")[:MOST_SEEN]
    last = {pk: at for pk, at in rows if pk is not None}
    people = {person.pk: person for person in search_people().filter(pk__in=last)}
    covers = cover_thumbnails(people.values())
    seen = (Seen(people[pk], at, covers.get(pk, "")) for pk, at in last.items() if pk in people)
    return SeenToday(tuple(seen), number)


def trend(today: DayCount) -> Trend:
    """The last TREND_DAYS with this one."""
    days = (*past_days.before(today.day), today)
    most = max(day.total for day in days)
    return Trend(days, tuple(_bars(days, most)), most)


def _bars(days: Sequence[DayCount], most: int) -> list[TrendBar]:
    """For every day its matches below and everything else on top of them."""
    bars = []
    for number, day in enumerate(days):
        top = HEIGHT
        for kind, value in (("match", day.match), ("other", day.total - day.match)):
            if value:
                height = HEIGHT * value / most
                top -= height
                bars.append(TrendBar(kind, 10.0 * number + 1, top, height))
    return bars
