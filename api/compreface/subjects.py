"""CompreFace knows people by a name that only one of them has; here a name is only a name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from api.problems import ApiReason, Problem
from enrollment import services
from enrollment.consent.records import NO_CONSENT
from enrollment.models import FaceSample, Person
from enrollment.samples.drafts import SampleDraft
from enrollment.selectors import people_named
from security.models import KeyActor


def find_subject(name: str) -> Person | None:
    """Raises Problem (409) where several people have this name, NameInvalid."""
    found = people_named(services.clean_name(name))
    if len(found) > 1:
        raise Problem(409, ApiReason.SUBJECT_AMBIGUOUS)
    return found[0] if found else None


def subject_called(name: str) -> Person:
    """Raises Problem (404, 409), NameInvalid."""
    found = find_subject(name)
    if found is None:
        raise Problem(404, "person_unknown", f"Subject: {name[:200]} is not found")
    return found


def subject_names() -> list[str]:
    return list(Person.objects.order_by("name", "pk").values_list("name", flat=True))


def make_subject(actor: KeyActor, name: str) -> Person:
    """The person of this name, made if there is none. CompreFace asks nothing about consent: none is recorded."""
    return find_subject(name) or services.register_person(actor=actor, name=name, consent=NO_CONSENT)


def rename_subject(actor: KeyActor, name: str, new_name: str) -> None:
    """Onto the name of somebody else it would merge them in CompreFace; here an operator does that, who looks first."""
    person = subject_called(name)
    other = find_subject(new_name)
    if other is not None and other.pk != person.pk:
        raise Problem(409, ApiReason.SUBJECT_AMBIGUOUS)
    services.update_person(actor=actor, person=person, name=new_name, external_id=person.external_id)


def erase_subjects(actor: KeyActor, people: Iterable[Person]) -> int:
    """Raises SecondPersonNeeded for more than one."""
    return services.erase_people(actor=actor, people=people)


def add_example(actor: KeyActor, name: str, draft: SampleDraft) -> dict[str, Any]:
    """CompreFace asks nothing about people who look alike: what is added is what its client says."""
    person = make_subject(actor, name)
    services.add_samples(actor=actor, person=person, samples=[draft], despite_duplicate=True)
    sample = person.samples.filter(digest=draft.digest).first()
    if sample is None:  # others of the person tell more, and there are as many as are kept
        raise Problem(409, "samples_full")
    return example(sample)


def remove_examples(actor: KeyActor, samples: Iterable[FaceSample]) -> list[dict[str, Any]]:
    removed = []
    for sample in samples:
        removed.append(example(sample))
        services.remove_sample(actor=actor, sample=sample)
    return removed


def list_examples(subject: str, page: int, size: int) -> dict[str, Any]:
    rows = FaceSample.objects.select_related("person").defer("crop").order_by("pk")
    if subject:
        rows = rows.filter(person=subject_called(subject))
    total = rows.count()
    return {
        "faces": [example(sample) for sample in rows[page * size : (page + 1) * size]],
        "page_number": page,
        "page_size": size,
        "total_pages": -(-total // size),
        "total_elements": total,
    }


def example(sample: FaceSample) -> dict[str, Any]:
    return {"image_id": str(sample.uuid), "subject": sample.person.name}
