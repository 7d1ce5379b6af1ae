"""What pages read of the history: a constant number of queries each. Lists do not load the thumbnails."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import Count, Q, QuerySet, Value
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from enrollment.models import Person, searched_on
from enrollment.naming import fold
from enrollment.selectors import search_words
from enrollment.thumbnails import jpeg_data_url
from security.audit.targets import TargetLink, valid_uuids
from security.days import in_days
from security.written_days import written
from verification.models import VerificationAttempt
from verification.sealed import read_picture, read_pictures

MOST_MEANT = 500
"""People whom a word of a search may mean before it counts as common."""


@dataclass(frozen=True, slots=True)
class AttemptFilters:
    """What the history is narrowed down to; an empty field narrows nothing. Days are the site's, both included."""

    since: date | None = None
    until: date | None = None
    verdict: str = ""
    mode: str = ""
    source: str = ""
    liveness: str = ""
    person: UUID | None = None
    """uuid of a person who was matched or claimed."""
    operator: int | None = None
    """Primary key."""
    text: str = ""
    """Words; each must be part of a person's name or external ID, or of the operator's login."""


@dataclass(frozen=True, slots=True)
class DayCount:
    """Attempts of one day by the site's clocks, by verdict."""

    day: date
    match: int = 0
    non_match: int = 0
    attack: int = 0
    uncertain: int = 0

    @property
    def total(self) -> int:
        return self.match + self.non_match + self.attack + self.uncertain


def find_attempts(filters: AttemptFilters | None = None) -> QuerySet[VerificationAttempt]:
    """Attempts, newest first, with people and operator, without thumbnails. Lazy but for names: slice it."""
    attempts = VerificationAttempt.objects.select_related("matched_person", "claimed_person", "operator")
    return attempts.filter(_condition(filters or AttemptFilters())).defer("thumbnail").order_by("-created_at", "-pk")


def recent_attempts(limit: int = 10) -> list[VerificationAttempt]:
    return list(find_attempts()[:limit])


def attempts_of(person: Person, limit: int = 20) -> list[VerificationAttempt]:
    """The newest attempts in which this person was matched or claimed."""
    return list(find_attempts(AttemptFilters(person=person.uuid))[:limit])


def attempts_about(people: Iterable[Person]) -> QuerySet[VerificationAttempt]:
    """All attempts in which any of these people was matched or claimed."""
    found = list(people)
    return VerificationAttempt.objects.filter(Q(matched_person__in=found) | Q(claimed_person__in=found))


def attempt_by_uuid(uuid: UUID) -> VerificationAttempt:
    """With its thumbnail. Raises VerificationAttempt.DoesNotExist."""
    people = ("matched_person", "claimed_person", "operator", "policy")
    return VerificationAttempt.objects.select_related(*people).get(uuid=uuid)


def thumbnail_url(attempt: VerificationAttempt) -> str:
    """The attempt's picture as a data URL; empty when it was erased."""
    jpeg = read_picture(attempt)
    return jpeg_data_url(jpeg) if jpeg else ""


def thumbnail_urls(attempts: Iterable[VerificationAttempt]) -> dict[int, str]:
    """Attempt's primary key -> data URL, for those that have a picture. Two queries; for one page of a list."""
    rows = VerificationAttempt.objects.filter(pk__in=[attempt.pk for attempt in attempts])
    pictures = read_pictures(rows.values_list("pk", "uuid", "thumbnail"))
    return {pk: jpeg_data_url(jpeg) for pk, jpeg in pictures.items()}


def attempts_per_day(days: int = 14, *, until: date | None = None) -> list[DayCount]:
    """One entry per day, also for days without attempts, oldest first; the last is `until` or today. One query.

    It asks for each day and verdict, all there are, by itself: that is a stretch of the index which holds them with
    their time, and to be counted a stretch need not be sorted.
    """
    last = until or timezone.localdate()
    every_day = [last - timedelta(days=back) for back in reversed(range(days))]
    stretches = [
        VerificationAttempt.objects.filter(in_days("created_at", day, day), verdict=verdict)
        .order_by()
        .values_list(Value(number), "verdict")
        .annotate(found=Count("*"))
        for number, day in enumerate(every_day)
        for verdict in VerificationAttempt.Verdict.values
    ]
    counts: dict[int, dict[str, int]] = {}
    for number, verdict, found in stretches[0].union(*stretches[1:], all=True):
        counts.setdefault(number, {})[verdict] = found
    return [DayCount(day, **counts.get(number, {})) for number, day in enumerate(every_day)]


def person_names(uuids: Iterable[str]) -> dict[str, str]:
    """uuid as text -> name, without erased people. One query."""
    rows = Person.objects.filter(uuid__in=set(uuids)).values_list("uuid", "name")
    return {str(uuid): name for uuid, name in rows}


def audit_links(uuids: Collection[str]) -> dict[str, TargetLink]:
    """uuid as text -> what to call the attempt, and its page, for the audit trail. One query."""
    rows = VerificationAttempt.objects.filter(uuid__in=valid_uuids(uuids)).values_list("uuid", "created_at")
    return {
        str(uuid): TargetLink(
            _("attempt of {moment}").format(moment=written(timezone.localtime(at), "j M Y, H:i")),
            reverse("verification:attempt", args=[uuid]),
        )
        for uuid, at in rows
    }


def claimable_person_exists(uuid: str) -> bool:
    """Whether the claim "I am this person" can be checked: the person exists and may be recognised today.

    False also for text that is no UUID.
    """
    try:
        return Person.objects.filter(searched_on(timezone.localdate()), uuid=UUID(uuid)).exists()
    except ValueError:
        return False


def _condition(filters: AttemptFilters) -> Q:
    condition = in_days("created_at", filters.since, filters.until)
    exact = {
        "verdict": filters.verdict,
        "mode": filters.mode,
        "source": filters.source,
        "liveness_verdict": filters.liveness,
        "operator": filters.operator,
    }
    condition &= Q(**{field: value for field, value in exact.items() if value})
    if filters.person:
        found = list(Person.objects.filter(uuid=filters.person).values_list("pk", flat=True))
        condition &= Q(matched_person__in=found) | Q(claimed_person__in=found)
    return condition & about_words(filters.text)


def about_words(text: str) -> Q:
    """Attempts with each of these words in a person's name or external ID, or in the operator's login."""
    condition = Q()
    for word in search_words(text):
        condition &= _about(word)
    return condition


def _about(word: str) -> Q:
    """Attempts about people, or by operators, whose names this word is part of.

    Who is meant by a rare word is looked up first, so that the few attempts are found by their indexes: a join would
    compare the names of every attempt there is. A word that many share is soon met on the way through the history.
    """
    logins = f"{get_user_model().USERNAME_FIELD}__icontains"
    operators = list(get_user_model().objects.filter(**{logins: word}).values_list("pk", flat=True)[: MOST_MEANT + 1])
    people = list(
        Person.objects.filter(folded__contains=fold(word)).order_by().values_list("pk", flat=True)[: MOST_MEANT + 1]
    )
    if max(len(people), len(operators)) <= MOST_MEANT:
        return Q(matched_person__in=people) | Q(claimed_person__in=people) | Q(operator__in=operators)
    return (
        Q(matched_person__folded__contains=fold(word))
        | Q(claimed_person__folded__contains=fold(word))
        | Q(**{f"operator__{logins}": word})
    )
