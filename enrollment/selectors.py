"""What pages and services read of people, samples and templates: a few queries, however many rows there are."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from enrollment.errors import GroupUnknown, PersonUnknown, SampleUnknown
from enrollment.models import FaceSample, FaceTemplate, GalleryRevision, HygieneAction, Person, PersonGroup, searched_on
from enrollment.naming import fold
from enrollment.sealed import read_crops, read_vectors
from enrollment.thumbnails import thumbnail_url
from recognizer.types import Vector
from security.audit.targets import TargetLink, valid_uuids

BEST_FIRST = ("set_aside", "-quality_score", "pk")
"""Of somebody's samples. The first stands for them, unless another was chosen (Person.portrait)."""
SEARCH_WORDS = 10
SEARCH_CHARACTERS = 300
"""A name has at most 200. Every word is looked for in every row, so a search of any length could keep the site busy."""


@dataclass(frozen=True, slots=True)
class GalleryCounts:
    """How many of each are in the database."""

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
    """People by name, each with `sample_count` and `cover_id` (primary key of the portrait; None without samples).

    text: words that must all be part of the name or the external ID, whatever their case and accents.
    """
    samples = FaceSample.objects.filter(person=OuterRef("pk"))
    chosen = samples.filter(uuid=OuterRef("portrait"), set_aside=False)
    best = samples.order_by(*BEST_FIRST)
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
        cover_id=Coalesce(Subquery(chosen.values("pk")[:1]), Subquery(best.values("pk")[:1])),
    )
    people = people.filter(said_of(text))
    if only_active:
        people = people.filter(searched_on(timezone.localdate()))
    return people.order_by("name", "pk")


def said_of(text: str) -> Q:
    """The people whom search_people(text) finds."""
    return Q(*(Q(folded__contains=fold(word)) for word in search_words(text)))


def people_outside_span() -> QuerySet[Person]:
    """Active people whose days have not begun, or are over: nobody recognises them today."""
    return Person.objects.filter(is_active=True).exclude(searched_on(timezone.localdate()))


def groups_with_counts() -> QuerySet[PersonGroup]:
    """Every group by name, each with `people_count`. One query."""
    return PersonGroup.objects.annotate(people_count=Count("people")).order_by("name", "pk")


def groups_by_uuid(uuids: Collection[UUID]) -> tuple[PersonGroup, ...]:
    """By name. Raises GroupUnknown unless all of them are there."""
    found = tuple(PersonGroup.objects.filter(uuid__in=uuids)) if uuids else ()
    if len(found) != len(set(uuids)):
        raise GroupUnknown
    return found


def groups_by_name(names: Collection[str]) -> tuple[PersonGroup, ...]:
    """Whatever their case and accents, each once. Raises GroupUnknown, which names the first that there is not."""
    there = {fold(group.name): group for group in PersonGroup.objects.all()} if names else {}
    for name in names:
        if fold(name) not in there:
            raise GroupUnknown(
                f"There is no group {name!r}. Operators make groups on the page of people, under Groups."
            )
    return tuple(there[folded] for folded in dict.fromkeys(map(fold, names)))


def cover_thumbnails(people: Iterable[Person], *, size: int = 112) -> dict[int, str]:
    """Person's primary key -> data URL of the cover. people: from search_people(). size: in pixels. Two queries."""
    covers = {cover: person.pk for person in people if (cover := getattr(person, "cover_id", None))}
    rows = FaceSample.objects.filter(pk__in=covers).values_list("pk", "uuid", "crop")
    return {covers[pk]: thumbnail_url(crop, size) for pk, crop in read_crops(rows).items()}


def cover_of(person: Person) -> FaceSample:
    """The sample that stands for this person on pages. Raises SampleUnknown where there is none."""
    samples = FaceSample.objects.filter(person=person)
    chosen = samples.filter(uuid=person.portrait, set_aside=False).first() if person.portrait else None
    cover = chosen or samples.order_by(*BEST_FIRST).first()
    if cover is None:
        raise SampleUnknown
    return cover


def portrait_among(person: Person, samples: Collection[FaceSample]) -> FaceSample | None:
    """cover_of() without a query, where all samples of the person are at hand. None: there are none."""

    def rank(sample: FaceSample) -> tuple[bool, bool, float, int]:
        chosen = sample.uuid == person.portrait and not sample.set_aside
        return not chosen, sample.set_aside, -sample.quality_score, sample.pk

    return min(samples, key=rank, default=None)


def template_thumbnails(template_ids: Iterable[int | None]) -> dict[int | None, str]:
    """Template's primary key -> data URL of its sample. None and unknown keys are left out. Two queries."""
    rows = FaceTemplate.objects.filter(pk__in=[pk for pk in template_ids if pk is not None])
    crops = read_crops(rows.values_list("pk", "sample__uuid", "sample__crop"))
    return {pk: thumbnail_url(crop) for pk, crop in crops.items()}


def person_by_uuid(uuid: UUID | str) -> Person:
    """Raises PersonUnknown, also for text that is no UUID."""
    try:
        return Person.objects.select_related("created_by").get(uuid=UUID(str(uuid)))
    except (ValueError, Person.DoesNotExist):
        raise PersonUnknown from None


def people_named(*names: str) -> list[Person]:
    """Everybody of exactly one of these names: the database may find "José" for "Jose"; here they are two people."""
    return [person for person in Person.objects.filter(name__in=names).order_by("pk") if person.name in names]


def names_taken(names: Collection[str]) -> set[str]:
    """Those of these names that somebody has, exactly as people_named() compares. One query."""
    found = Person.objects.filter(name__in=names).order_by().values_list("name", flat=True)
    return set(found) & set(names)


def people_by_uuid(uuids: Iterable[UUID | str]) -> dict[str, Person]:
    """uuid as text -> person, without unknown uuids. One query. Raises ValueError for text that is no UUID."""
    return {str(person.uuid): person for person in Person.objects.filter(uuid__in={UUID(str(uuid)) for uuid in uuids})}


def samples_of(person: Person, *, contract_id: str | None = None) -> QuerySet[FaceSample]:
    """Oldest first, crop included. With `contract_id` each has `template_id`: its template in that embedding space.

    template_id is a primary key; None: there is no such template, so searches cannot find the sample.
    """
    samples = person.samples.select_related("created_by").order_by("pk")
    if contract_id is None:
        return samples
    templates = FaceTemplate.objects.filter(sample=OuterRef("pk"), contract_id=contract_id)
    return samples.annotate(template_id=Subquery(templates.values("pk")[:1]))


def sample_by_uuid(uuid: UUID | str) -> FaceSample:
    """With its person. Raises SampleUnknown, also for text that is no UUID."""
    try:
        return FaceSample.objects.select_related("person").get(uuid=UUID(str(uuid)))
    except (ValueError, FaceSample.DoesNotExist):
        raise SampleUnknown from None


def embeddings_of(person: Person, contract_id: str) -> list[Vector]:
    """The person's embeddings in one embedding space, each (d,) float32; those of samples set aside are left out."""
    rows = FaceTemplate.objects.filter(sample__person=person, sample__set_aside=False, contract_id=contract_id)
    return list(read_vectors(rows.values_list("sample_id", "embedding"), contract_id).values())


def recent_hygiene_actions(number: int) -> list[HygieneAction]:
    """The newest `number` actions, newest first, with people, sample (without its crop) and operators. One query."""
    actions = HygieneAction.objects.select_related("person", "other", "sample", "actor", "undone_by")
    return list(actions.defer("sample__crop", "sample__quality")[:number])


def erased_samples(people: Iterable[Person]) -> QuerySet[FaceSample]:
    """The samples that go when these people are erased.

    Theirs, those of people who were merged into them, and those that a merge gave to somebody else.
    """
    erased = with_merged(people)
    return FaceSample.objects.filter(Q(person__in=erased) | Q(merged_from__in=erased))


def with_merged(people: Iterable[Person]) -> list[Person]:
    """These people, then everybody who was merged into them, directly or through others: records of the same people.

    One query for each step of such a chain.
    """
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
    """uuid of each person who was merged into another -> uuid of the person who got their samples. One query.

    Never a circle: a merged person who gets samples by a later merge does not count as merged any more.
    """
    merges = HygieneAction.objects.filter(kind=HygieneAction.Kind.MERGE, undone_at=None, other__isnull=False)
    holders: dict[UUID, UUID] = {}
    for merged, holder in merges.order_by("pk").values_list("other__uuid", "person__uuid"):
        holders[merged] = holder
        holders.pop(holder, None)
    return holders


def merged_into(person: Person) -> Person | None:
    """The person whom this person was merged into; None: nobody, or the merge was undone.

    None also when a later merge gave this person somebody's samples.
    """
    action = merge_of(person)
    return action.person if action else None


def merge_of(person: Person) -> HygieneAction | None:
    """The merge that brought this person's samples to somebody else, as merged_into() knows it. One query."""
    merges = HygieneAction.objects.filter(kind=HygieneAction.Kind.MERGE, undone_at=None)
    action = merges.filter(Q(other=person) | Q(person=person)).select_related("person").order_by("-pk").first()
    return action if action and action.other_id == person.pk else None


def gallery_counts() -> GalleryCounts:
    """Counts for pages. It is too slow for a health probe that is called every second."""
    people = Person.objects.aggregate(every=Count("pk"), active=Count("pk", filter=Q(is_active=True)))
    return GalleryCounts(
        people=people["every"],
        active_people=people["active"],
        samples=FaceSample.objects.count(),
        templates=FaceTemplate.objects.count(),
        revision=GalleryRevision.objects.values_list("number", flat=True).first() or 0,
    )


def group_audit_links(uuids: Collection[str]) -> dict[str, TargetLink]:
    """The same of groups that exist. One query."""
    rows = PersonGroup.objects.filter(uuid__in=valid_uuids(uuids)).only("uuid", "name")
    return {str(group.uuid): TargetLink(group.name, group.get_absolute_url()) for group in rows}


def audit_links(uuids: Collection[str]) -> dict[str, TargetLink]:
    """uuid as text -> name and page, for the audit trail; without erased people. One query."""
    rows = Person.objects.filter(uuid__in=valid_uuids(uuids)).only("uuid", "name")
    return {str(person.uuid): TargetLink(person.name, person.get_absolute_url()) for person in rows}
