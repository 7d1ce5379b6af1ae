"""Every read of people, samples and templates; a constant number of queries each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from enrollment.errors import PersonUnknown, SampleUnknown
from enrollment.models import FaceSample, FaceTemplate, GalleryRevision, HygieneAction, Person
from enrollment.thumbnails import thumbnail_url
from recognizer.types import Vector
from recognizer.vectors import vector_from_bytes

SEARCH_WORDS = 10
SEARCH_CHARACTERS = 300
"""A name has at most 200. Every word is looked for in every row, so a search of any length could keep the site busy."""


@dataclass(frozen=True, slots=True)
class GalleryCounts:
    people: int
    active_people: int
    samples: int
    templates: int
    """Of all embedding spaces together."""
    revision: int


def search_words(text: str) -> list[str]:
    """What is looked for of what was typed: its first words."""
    return text[:SEARCH_CHARACTERS].split()[:SEARCH_WORDS]


def search_people(text: str = "", *, only_active: bool = False) -> QuerySet[Person]:
    """People by name, with `sample_count` and `cover_id` (their best sample) on each.

    `text`: words that must all be part of the name or the external ID; see search_words().
    """
    best = FaceSample.objects.filter(person=OuterRef("pk")).order_by("set_aside", "-quality_score", "pk")
    people = Person.objects.select_related("created_by").annotate(
        sample_count=Coalesce(
            Subquery(
                FaceSample.objects.filter(person=OuterRef("pk"))
                .order_by()
                .values("person")
                .annotate(number=Count("pk"))
                .values("number")
            ),
            0,
        ),
        cover_id=Subquery(best.values("pk")[:1]),
    )
    for word in search_words(text):
        people = people.filter(Q(name__icontains=word) | Q(external_id__icontains=word))
    if only_active:
        people = people.filter(is_active=True)
    return people.order_by("name", "pk")


def cover_thumbnails(people: Iterable[Person]) -> dict[int, str]:
    """Person's primary key -> data URL of their cover; for people from search_people(). One query."""
    covers = {cover: person.pk for person in people if (cover := getattr(person, "cover_id", None))}
    rows = FaceSample.objects.filter(pk__in=covers).values_list("pk", "crop")
    return {covers[pk]: thumbnail_url(crop) for pk, crop in rows}


def template_thumbnails(template_ids: Iterable[int | None]) -> dict[int | None, str]:
    """Template's primary key -> data URL of the sample it was computed from. One query."""
    rows = FaceTemplate.objects.filter(pk__in=[pk for pk in template_ids if pk is not None])
    return {pk: thumbnail_url(crop) for pk, crop in rows.values_list("pk", "sample__crop")}


def person_by_uuid(uuid: UUID | str) -> Person:
    """Raises PersonUnknown, for text that is no UUID too."""
    try:
        return Person.objects.select_related("created_by").get(uuid=UUID(str(uuid)))
    except (ValueError, Person.DoesNotExist):
        raise PersonUnknown from None


def people_by_uuid(uuids: Iterable[UUID | str]) -> dict[str, Person]:
    """uuid as text -> person; unknown ones are absent. One query."""
    return {str(person.uuid): person for person in Person.objects.filter(uuid__in={UUID(str(uuid)) for uuid in uuids})}


def samples_of(person: Person, *, contract_id: str | None = None) -> QuerySet[FaceSample]:
    """Oldest first, crop included. With `contract_id`: `is_searched` tells whether a template of that pack exists."""
    samples = person.samples.select_related("created_by").order_by("pk")
    if contract_id is None:
        return samples
    templates = FaceTemplate.objects.filter(sample=OuterRef("pk"), contract_id=contract_id)
    return samples.annotate(template_id=Subquery(templates.values("pk")[:1]))


def sample_by_uuid(uuid: UUID | str) -> FaceSample:
    """With its person. Raises SampleUnknown, for text that is no UUID too."""
    try:
        return FaceSample.objects.select_related("person").get(uuid=UUID(str(uuid)))
    except (ValueError, FaceSample.DoesNotExist):
        raise SampleUnknown from None


def embeddings_of(person: Person, contract_id: str) -> list[Vector]:
    """Of one embedding space, samples that were set aside left out; each (d,) float32."""
    rows = FaceTemplate.objects.filter(sample__person=person, sample__set_aside=False, contract_id=contract_id)
    return [vector_from_bytes(data) for data in rows.values_list("embedding", flat=True)]


def recent_hygiene_actions(number: int) -> list[HygieneAction]:
    """Newest first, with people, sample (no crop) and operators. One query."""
    actions = HygieneAction.objects.select_related("person", "other", "sample", "actor", "undone_by")
    return list(actions.defer("sample__crop", "sample__quality")[:number])


def erased_samples(people: Iterable[Person]) -> QuerySet[FaceSample]:
    """What an erasure takes: their samples, and those that a merge gave to somebody else."""
    erased = with_merged(people)
    return FaceSample.objects.filter(Q(person__in=erased) | Q(merged_from__in=erased))


def with_merged(people: Iterable[Person]) -> list[Person]:
    """These people, then everybody who was merged into them, directly or in turn: other records of the same people."""
    found = {person.pk: person for person in people}
    asked: set[int] = set()
    while new := found.keys() - asked:
        asked |= new
        merges = HygieneAction.objects.filter(kind=HygieneAction.Kind.MERGE, undone_at=None, person__in=new)
        for merge in merges.select_related("other").order_by("pk"):
            if merge.other is not None:
                found.setdefault(merge.other.pk, merge.other)
    return list(found.values())


def merged_records() -> dict[UUID, UUID]:
    """Of everybody whom a merge gave to somebody else: their uuid -> the uuid of the one who got the samples.

    Never in a circle: whoever gets samples by a later merge is a record of their own again.
    """
    merges = HygieneAction.objects.filter(kind=HygieneAction.Kind.MERGE, undone_at=None, other__isnull=False)
    holders: dict[UUID, UUID] = {}
    for merged, holder in merges.order_by("pk").values_list("other__uuid", "person__uuid"):
        holders[merged] = holder
        holders.pop(holder, None)
    return holders


def merged_into(person: Person) -> Person | None:
    """Whom a merge that was not undone gave this person's samples to, unless a later one gave them somebody's."""
    merges = HygieneAction.objects.filter(kind=HygieneAction.Kind.MERGE, undone_at=None)
    action = merges.filter(Q(other=person) | Q(person=person)).select_related("person").order_by("-pk").first()
    return action.person if action and action.other_id == person.pk else None


def gallery_counts() -> GalleryCounts:
    """Counts for pages that people look at; too slow for a probe that is called every second."""
    people = Person.objects.aggregate(every=Count("pk"), active=Count("pk", filter=Q(is_active=True)))
    return GalleryCounts(
        people=people["every"],
        active_people=people["active"],
        samples=FaceSample.objects.count(),
        templates=FaceTemplate.objects.count(),
        revision=GalleryRevision.objects.values_list("number", flat=True).first() or 0,
    )
