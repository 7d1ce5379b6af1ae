"""One person of an import: who it is, what is stored, and what becomes of the pictures and of what the row says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from enrollment import services
from enrollment.errors import EnrollmentError, ExternalIdTaken, NameAmbiguous
from enrollment.groups.actions import create_group, put_into_group
from enrollment.importing.consenting import BasisNotAllowed, ConsentChoice, consent_for
from enrollment.importing.listing import Row
from enrollment.importing.matching import Entry
from enrollment.importing.reasons import ImportReason
from enrollment.models import Person, PersonGroup
from enrollment.naming import fold
from enrollment.pictures.folder_import import PersonOutcome, Picture, import_samples, person_meant, refused_folder
from enrollment.selectors import people_named
from enrollment.services import NewPerson
from security.actors import Actor
from security.allowing import NotAllowed


def import_entry(
    entry: Entry, pictures: Sequence[Picture], choice: ConsentChoice, actor: Actor | None
) -> tuple[PersonOutcome, list[str]]:
    """What became of it, and codes that say more about somebody who was enrolled. Raises NotAllowed."""
    called = entry.called or entry.row.name
    if entry.code:
        return PersonOutcome(called, code=entry.code), []
    try:
        subject = _subject_of(entry, choice)
        if pictures or not entry.row.number:
            outcome = import_samples(subject, pictures, called=called, actor=actor)
        else:
            outcome = _without_pictures(subject, called, actor)
        notes = list(_notes(outcome, entry, actor))
    except BasisNotAllowed:
        return PersonOutcome(called, code=ImportReason.BASIS_NOT_ALLOWED), []
    except EnrollmentError as error:
        return refused_folder(called, pictures, error), []
    return outcome, notes


def _subject_of(entry: Entry, choice: ConsentChoice) -> Person | NewPerson:
    """By external ID, else by name. Raises EnrollmentError."""
    row = entry.row
    known = _known(row, entry.called)
    if known is not None:
        return known
    consent = consent_for(choice, basis=row.basis, note=row.note)
    name = services.clean_name(row.name)
    return NewPerson(name, row.external_id or None, consent, row.valid_from, row.valid_until)


def _known(row: Row, called: str) -> Person | None:
    """Raises ExternalIdTaken where the ID belongs to somebody of another name, NameInvalid, NameAmbiguous."""
    external_id = services.clean_external_id(row.external_id)
    if external_id:
        person = Person.objects.filter(external_id=external_id).first()
        if person is not None:
            if row.name and fold(row.name) != fold(person.name):
                raise ExternalIdTaken
            return person
        # Whoever has another ID is somebody else, whatever the name.
        namesakes = [person for person in people_named(services.clean_name(row.name)) if not person.external_id]
        if len(namesakes) > 1:
            raise NameAmbiguous
        return namesakes[0] if namesakes else None
    return person_meant(row.name) if row.number else person_meant(row.name, called)


def _without_pictures(subject: Person | NewPerson, called: str, actor: Actor | None) -> PersonOutcome:
    """Somebody known stays as they are; somebody new waits for a picture. Raises EnrollmentError."""
    if isinstance(subject, Person):
        return PersonOutcome(called, subject, samples=subject.samples.count())
    person = services.register_person(
        actor=actor,
        name=subject.name,
        external_id=subject.external_id,
        consent=subject.consent,
        valid_from=subject.valid_from,
        valid_until=subject.valid_until,
    )
    return PersonOutcome(called, person, created=True)


def _notes(outcome: PersonOutcome, entry: Entry, actor: Actor | None) -> Iterator[str]:
    person, row = outcome.person, entry.row
    if person is None:
        return
    if not outcome.samples:
        yield ImportReason.WITHOUT_PICTURES
    if not outcome.created and _differs(person, row):
        yield ImportReason.DETAILS_KEPT
    yield from sorted({code for name in row.groups if (code := _join(actor, person, name))})


def _differs(person: Person, row: Row) -> bool:
    said = {
        "external_id": row.external_id,
        "valid_from": row.valid_from,
        "valid_until": row.valid_until,
    }
    return bool(row.basis) or any(value and value != getattr(person, field) for field, value in said.items())


def _join(actor: Actor | None, person: Person, name: str) -> str:
    """Put the person into the group of this name. Returns why that could not be; empty: it is done."""
    group = _group_named(name)
    try:
        group = group or create_group(actor=actor, name=name)
    except NotAllowed:
        return ImportReason.GROUP_NOT_MADE
    except EnrollmentError as error:
        return error.code
    put_into_group(actor=actor, group=group, people=[person])
    return ""


def _group_named(name: str) -> PersonGroup | None:
    return next((group for group in PersonGroup.objects.all() if fold(group.name) == fold(name)), None)
