"""Who was seen today, and how the last two weeks went: what the dashboard begins with.

Both read the index of attempts by verdict and time alone, so a long history costs nothing. Days that are over hardly
change: they are counted once a minute, today anew each time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, Max
from django.utils import timezone

from enrollment.models import Person
from enrollment.selectors import cover_thumbnails, search_people
from security.bars import DAY, Bar, stacked
from security.days import in_days
from security.remembering import Remembered
from verification.models import VerificationAttempt
from verification.selectors import DayCount, attempts_per_day

TREND_DAYS = 14
MOST_SEEN = 12
"""People whose picture stands on the dashboard; the others are a number."""


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
class Trend:
    days: tuple[DayCount, ...]
    """Oldest first; the last one is today."""
    bars: tuple[Bar, ...]
    most: int
    """Attempts of the highest day."""

    @property
    def width(self) -> float:
        return DAY * len(self.days)


past_days: Remembered[tuple[date, list[DayCount]]] = Remembered(60.0)
"""Today, and the days before it: they hardly change."""


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
    """The last TREND_DAYS with this one: for every day its matches below and everything else on top of them."""
    days = (*_before(today.day), today)
    most = max(day.total for day in days)
    parts = ((day.day, (("match", day.match), ("other", day.total - day.match))) for day in days)
    return Trend(days, tuple(stacked(parts, most)), most)


def _before(today: date) -> list[DayCount]:
    """Counted again when the day changes."""
    kept = past_days.value
    if kept is None or kept[0] != today:
        kept = past_days.keep((today, attempts_per_day(TREND_DAYS - 1, until=today - timedelta(days=1))))
    return kept[1]
