"""Pairs of people whom an operator noted as different: the product no longer asks whether they are the same."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q

from enrollment.models import Person, PersonPair


def ordered(first: Person, second: Person) -> tuple[Person, Person]:
    """The two in the order in which PersonPair stores them: lower primary key first."""
    return (first, second) if first.pk < second.pk else (second, first)


def find_pair(first: Person, second: Person) -> PersonPair | None:
    """The note about these two, in either order."""
    low, high = ordered(first, second)
    return PersonPair.objects.filter(first=low, second=high).first()


def different_from(person: Person) -> set[int]:
    """Primary keys of the people who were noted as different from this one."""
    rows = PersonPair.objects.filter(Q(first=person) | Q(second=person), kind=PersonPair.Kind.DIFFERENT)
    return {pk for pair in rows.values_list("first_id", "second_id") for pk in pair} - {person.pk}


def noted_pairs() -> Iterable[PersonPair]:
    """Newest first, with both people and who noted it."""
    return PersonPair.objects.select_related("first", "second", "noted_by")
