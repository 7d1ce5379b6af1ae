"""Two records of what may be one person, side by side, before they are merged by hand. It writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from enrollment.consent.records import basis_sentence
from enrollment.errors import MergeRefused, PersonUnknown
from enrollment.models import FaceSample, Person, PersonGroup
from enrollment.selectors import cover_thumbnails, search_people

FOUND = 12
"""People whom a search for the other record shows: more are told apart by another word, not by scrolling."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two records, and what the other one would get of it."""

    person: Person
    """As from search_people(), with `sample_count`."""
    cover: str
    """Data URL; empty without samples."""
    consent: str
    """What was recorded, as a sentence."""
    groups: Sequence[PersonGroup]
    pictures: int
    """That would go to the other record: those that it does not have already."""
    new_groups: Sequence[PersonGroup]
    """That the other record would be in, too."""


def find_others(person: Person, text: str) -> list[tuple[Person, str]]:
    """People who may be meant, each with the data URL of their cover, never `person`. Two queries."""
    found = list(search_people(text).exclude(pk=person.pk)[:FOUND])
    covers = cover_thumbnails(found)
    return [(one, covers.get(one.pk, "")) for one in found]


def two_sides(first: Person, second: Person) -> tuple[Side, Side]:
    """Both records as a page shows them. A few queries. Raises MergeRefused (one person), PersonUnknown."""
    if first.pk == second.pk:
        raise MergeRefused(_("This is one and the same person."))
    people = search_people().filter(pk__in=[first.pk, second.pk]).prefetch_related("groups", "consents__text")
    by_pk = {person.pk: person for person in people}
    if len(by_pk) < 2:
        raise PersonUnknown
    digests: dict[int, set[str]] = {pk: set() for pk in by_pk}
    for pk, digest in FaceSample.objects.filter(person__in=by_pk).values_list("person_id", "digest"):
        digests[pk].add(digest)
    covers = cover_thumbnails(by_pk.values())
    one, other = by_pk[first.pk], by_pk[second.pk]
    return _side(one, other, digests, covers), _side(other, one, digests, covers)


def stays_by_default(first: Side, second: Side) -> Person:
    """Who is active; of two, who has more pictures; of equals, who was enrolled first."""

    def rank(side: Side) -> tuple[bool, int, float]:
        person = side.person
        return person.is_active, getattr(person, "sample_count", 0), -person.created_at.timestamp()

    return max(first, second, key=rank).person


def _side(person: Person, other: Person, digests: dict[int, set[str]], covers: dict[int, str]) -> Side:
    groups, theirs = list(person.groups.all()), set(other.groups.all())
    return Side(
        person=person,
        cover=covers.get(person.pk, ""),
        consent=basis_sentence(person.consent),
        groups=groups,
        pictures=len(digests[person.pk] - digests[other.pk]),
        new_groups=[group for group in groups if group not in theirs],
    )
