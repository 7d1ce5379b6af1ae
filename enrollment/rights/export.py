"""A copy of everything that is held about one person: a ZIP of data.json, pictures and a README for the person.

Written row by row and picture by picture, so that its size does not matter to memory.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import IO, Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from enrollment.hooks import Held, hooks
from enrollment.models import ConsentRecord, FaceSample, FaceTemplate, HygieneAction, ImportLine, Person
from enrollment.sealed import CropUnreadable, read_crop, read_vectors
from enrollment.selectors import erased_samples, with_merged
from security.actors import Actor
from security.allowing import require
from security.audit.actions import Action
from security.audit.recording import record
from security.days import moment
from security.models import Approval, AuditEvent
from security.rights import Right
from security.roles.second_person import record_second_person, require_second_person

README = """\
This is a copy of everything that this site holds about you: {name}.
It was made on {day}.

data.json    all of it as text; any text editor or browser opens it
samples/     the pictures of your face that you are recognised by, as PNG
history/     the small picture of each decision that named you, as JPEG
unknown/     pictures that were taken before you were enrolled and were found to be you, as PNG

What data.json holds:
people         your name, your external ID, your groups, the days on which you are recognised, what operators wrote
               about you ("notes"), the picture that stands for you ("portrait", one of the samples), and whether you
               are searched; several, if records were merged
consents       what you agreed to, when, how and until when, with the text
samples        each picture: when and how it was taken, and how good it is
templates      the numbers computed from each picture ("embedding"), and the model that computed them
imports        what the report of an import says of you, for the week that it is kept
notes          notes that two records are, or are not, the same person
attempts       each decision about you: when, the scores, the threshold, and the answer
false_matches  decisions that were recorded as wrong, and concern you
unknown_faces  the pictures in unknown/
punches        when you came and when you went, how that was noticed, and what operators corrected
audit          what operators did with your record; operators appear as numbers

Left out: pictures of decisions that did not name you, or named you wrongly. They may show somebody else.
Times are by the clocks of {zone}, with their offset from UTC. Scores are cosines from -1 to 1.
"""


def export_person(*, actor: Actor | None, person: Person, file: IO[bytes]) -> None:
    """Write the ZIP into `file`, which must be seekable. Raises NotAllowed, SecondPersonNeeded (until one has agreed).

    The audit row is written first: nothing is given away that nobody can find again.
    """
    require(actor, Right.EXPORT)
    with transaction.atomic():
        target = f"person:{person.uuid}"
        approval = require_second_person(actor=actor, action=Approval.Action.EXPORT_BIOMETRICS, target=target)
        record(Action.PERSON_EXPORTED, actor=actor, target=person.uuid)
        record_second_person(actor, approval)
    people = with_merged([person])
    held = [*_held_here(people), *(one for hook in hooks.export for who in people for one in hook(who))]
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        about = {"name": person.name, "day": f"{timezone.localdate():%Y-%m-%d}", "zone": settings.TIME_ZONE}
        archive.writestr("README.txt", README.format(**about))
        with archive.open("data.json", "w", force_zip64=True) as raw, io.TextIOWrapper(raw, "utf-8") as text:
            _write_json(text, held)
        for one in held:
            for path, data in one.pictures:
                archive.writestr(path, data, zipfile.ZIP_STORED)


def _write_json(text: IO[str], held: Iterable[Held]) -> None:
    """One object of lists. The same name of several people is one list."""
    names: dict[str, list[Held]] = {}
    for one in held:
        names.setdefault(one.name, []).append(one)
    text.write(f'{{\n"made_at": {json.dumps(moment(timezone.now()))}')
    for name, parts in names.items():
        text.write(f",\n{json.dumps(name)}: [")
        rows = (row for part in parts for row in part.rows)
        for number, row in enumerate(rows):
            text.write(("," if number else "") + "\n" + json.dumps(row, ensure_ascii=False))
        text.write("]")
    text.write("\n}\n")


def _held_here(people: list[Person]) -> Iterator[Held]:
    samples = erased_samples(people).select_related("person").order_by("pk")
    yield Held("people", (_person(person) for person in people))
    yield Held("consents", _consents(people))
    yield Held(
        "samples",
        (_sample(sample) for sample in samples.defer("crop").iterator(chunk_size=500)),
        _pictures(samples),
    )
    templates = FaceTemplate.objects.filter(sample__in=samples.values("pk")).order_by("pk").select_related("sample")
    yield Held("templates", (_template(one) for one in templates.defer("sample__crop").iterator(chunk_size=500)))
    yield Held("imports", _imports(people))
    yield Held("notes", _notes(people))
    yield Held("audit", _audit_rows(people))


def _pictures(samples: QuerySet[FaceSample]) -> Iterator[tuple[str, bytes]]:
    for sample in samples.iterator(chunk_size=50):
        with suppress(CropUnreadable):  # of a record that a backup brought back
            yield f"samples/{sample.uuid}.png", read_crop(sample)


def _person(person: Person) -> dict[str, Any]:
    return {
        "person": str(person.uuid),
        "name": person.name,
        "external_id": person.external_id,
        "notes": person.notes,
        "active": person.is_active,
        "valid_from": person.valid_from.isoformat() if person.valid_from else None,
        "valid_until": person.valid_until.isoformat() if person.valid_until else None,
        "portrait": str(person.portrait) if person.portrait else None,
        "groups": [group.name for group in person.groups.all()],
        "deactivated_at": moment(person.deactivated_at),
        "enrolled_at": moment(person.created_at),
        "enrolled_by": operator(person.created_by_id),
        "changed_at": moment(person.updated_at),
    }


def _consents(people: list[Person]) -> Iterator[dict[str, Any]]:
    for one in ConsentRecord.objects.filter(person__in=people).select_related("person", "text").order_by("pk"):
        yield {
            "person": str(one.person.uuid),
            "how": one.how,
            "legal_basis": one.legal_basis or None,
            "note": one.note,
            "text_version": one.text.version if one.text else None,
            "text": one.text.body if one.text else None,
            "recorded_at": moment(one.recorded_at),
            "given_at": moment(one.given_at),
            "given_to": operator(one.given_to_id),
            "valid_until": one.valid_until.isoformat() if one.valid_until else None,
            "withdrawn_at": moment(one.withdrawn_at),
            "withdrawn_by": operator(one.withdrawn_by_id),
            "expired_at": moment(one.expired_at),
            "erase_on": one.erase_on.isoformat() if one.erase_on else None,
        }


def _sample(sample: FaceSample) -> dict[str, Any]:
    return {
        "sample": str(sample.uuid),
        "person": str(sample.person.uuid),
        "picture": f"samples/{sample.uuid}.png",
        "taken_at": moment(sample.created_at),
        "taken_by": operator(sample.created_by_id),
        "source": sample.source,
        "pose": sample.pose,
        "quality_score": sample.quality_score,
        "quality": sample.quality,
        "sha256_of_pixels": sample.digest,
        "set_aside": sample.set_aside,
        "set_aside_reason": sample.set_aside_reason or None,
        "taken_back": sample.taken_back,
    }


def _template(template: FaceTemplate) -> dict[str, Any]:
    vectors = read_vectors([(template.sample_id, template.embedding)], template.contract_id)
    return {
        "sample": str(template.sample.uuid),
        "contract_id": template.contract_id,
        "computed_at": moment(template.created_at),
        "embedding": [float(value) for value in vectors.get(template.sample_id, ())],
    }


def _imports(people: list[Person]) -> Iterator[dict[str, Any]]:
    for line in ImportLine.objects.filter(person__in=people).select_related("run").order_by("pk"):
        yield {"place": line.place, "outcome": line.outcome, "code": line.code, "at": moment(line.run.begun_at)}


def _notes(people: list[Person]) -> Iterator[dict[str, Any]]:
    """Merges and notes. The other person appears as nobody: it is somebody else's data."""
    for one in HygieneAction.objects.filter(person__in=people).order_by("pk"):
        yield {"kind": one.kind, "at": moment(one.at), "by": operator(one.actor_id), "undone_at": moment(one.undone_at)}


def _audit_rows(people: list[Person]) -> Iterator[Mapping[str, Any]]:
    targets = [f"{kind}:{person.uuid}" for person in people for kind in ("person", "samples")]
    for event in AuditEvent.objects.filter(target__in=targets).order_by("number").iterator(chunk_size=500):
        yield {
            "number": event.number,
            "at": moment(event.at),
            "action": event.action,
            "by": event.actor,
            "facts": event.facts,
        }


def operator(pk: int | None) -> str | None:
    """Operators are other people: numbers, no names."""
    return f"operator:{pk}" if pk else None
