"""People from folders of pictures: DIR/<person name>/*.jpg|jpeg|jfif|png|webp|bmp.

A folder's name is the person's name; "Ada_Lovelace" is Ada Lovelace. If somebody has that name already, the pictures
are added to that person, so a second run changes nothing. If several people have it, the pictures go to the one whom an
import enrolled; unless that is exactly one person, the folder is refused.
Whatever else lies there is named, too: nothing is left out without a word. One folder that cannot be read ends nothing.
Pictures are judged leniently: an import takes what there is, and the quality is written beside each sample.
"""

from __future__ import annotations

import itertools
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from django.utils.translation import gettext as _

from enrollment import services
from enrollment.consent.records import NO_CONSENT, Consent
from enrollment.errors import DuplicateCandidate, EnrollmentError, NameAmbiguous, NameInvalid, NoSamples
from enrollment.models import FaceSample, Person
from enrollment.newcomers import Newcomer, enroll_newcomers
from enrollment.reasons import EnrollmentReason, sentence_for, sentence_for_photo, sentence_of
from enrollment.runtime.gallery import no_collections
from enrollment.samples.drafts import SampleDraft, draft_from_face
from enrollment.samples.duplicates import find_duplicates, find_lookalikes
from enrollment.samples.storing import MAX_SAMPLES
from enrollment.selectors import names_taken, people_named
from enrollment.services import NewPerson, Saved
from recognizer.decisions import barring_reason
from recognizer.engine import FaceEngine
from recognizer.errors import ImageError
from recognizer.images import NAMED_SUFFIXES, SUFFIXES, UPLOAD_LIMITS, read_file
from recognizer.reasons import Reason
from recognizer.types import Detection, Face, Image
from security.actors import Actor

AHEAD = 128
"""Pictures per thread that are looked at before their folder's turn; each waits as a crop and a vector, some 40 kB."""
AT_ONCE, AT_THE_END = 256, 32
"""Pictures from which the people of several folders are stored together: what a run that is ended may lose. Towards the
end they become fewer, for while the last ones are stored the engine has nothing to do."""
CLEAR_LEAD = 1.25
"""The main face must be at least this many times as prominent as the next (see _prominence())."""
SMALLEST_FACE = 20.0
"""Pixels. In a smaller face nothing is left to recognise once it is enlarged to a 112 x 112 crop."""
DARKEST, BRIGHTEST = 12.0, 245.0
"""Mean luma of the crop, 0..255. Outside this range the picture shows nothing."""

ENROLLED, ALREADY, REFUSED, SKIPPED = "enrolled", "already", "refused", "skipped"
LITTER = frozenset({"__macosx", "@eadir", "thumbs.db", "desktop.ini"})
"""What archives, network drives and systems leave behind, in small letters. Like names that begin with a dot, it is
nothing that anybody put there."""


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """What became of one file."""

    path: Path
    person: str
    """The folder's name; empty: the file lies in no folder."""
    outcome: str
    """ENROLLED, ALREADY, REFUSED or SKIPPED: no picture, so there was nothing to refuse."""
    code: str = ""
    """The reason code, if there is something to say; `message` is its sentence."""
    message: str = ""


@dataclass(frozen=True, slots=True)
class PersonOutcome:
    """What became of one folder."""

    name: str
    """The folder's name."""
    person: Person | None = None
    """None: nobody was enrolled, and nobody got samples; `code` says why."""
    created: bool = False
    """True: enrolled by this import."""
    samples: int = 0
    """Number of samples that the person has now, also those set aside."""
    code: str = ""
    message: str = ""
    lookalikes: Sequence[DuplicateCandidate] = ()
    """Other people whom these pictures match. The pictures were enrolled all the same."""
    files: Sequence[FileOutcome] = ()


@dataclass(frozen=True, slots=True)
class PersonFolder:
    """What lies in one person's folder."""

    name: str
    pictures: tuple[Path, ...] = ()
    others: tuple[FileOutcome, ...] = ()
    """Everything that is no picture file."""
    code: str = ""
    """Why it cannot be read; empty where it can."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One file as the engine saw it: a draft, or why there is none."""

    path: Path
    draft: SampleDraft | None = None
    code: str = ""
    message: str = ""


Found = tuple[PersonFolder, Sequence[Picture]]
"""A folder with its pictures as the engine saw them."""


def find_folders(directory: Path) -> list[PersonFolder]:
    """One for each person, sorted by name."""
    return [_read_folder(path) for path in _entries(directory) if path.is_dir()]


def find_loose_files(directory: Path) -> list[FileOutcome]:
    """Files that lie in no person's folder: pictures are refused."""
    return [
        _outcome(path, "", REFUSED, EnrollmentReason.NO_PERSON_FOLDER) if _is_picture(path) else _passed_over(path, "")
        for path in _entries(directory)
        if not path.is_dir()
    ]


def import_folder(engine: FaceEngine, directory: Path, consent: Consent = NO_CONSENT) -> Iterator[PersonOutcome]:
    """import_folders() of all that lie in `directory`. Raises OSError where that cannot be read."""
    return import_folders(engine, find_folders(directory), consent)


def import_folders(
    engine: FaceEngine,
    folders: Sequence[PersonFolder],
    consent: Consent = NO_CONSENT,
    *,
    tell: Callable[[int], None] = lambda seen: None,
) -> Iterator[PersonOutcome]:
    """Enrol folder after folder, some in one transaction; yields what became of each, in their order.

    consent: what is recorded for people who are new. Records of people who are enrolled already stay as they are.
    tell: called with the number of pictures that were looked at so far.
    """
    paths = (path for folder in folders for path in folder.pictures)
    seen = look_at_all(engine, (partial(look_at_picture, engine, path) for path in paths), tell)
    pictures = groupby(seen, key=lambda picture: picture.path.parent.name)
    waiting: list[Found] = []
    held, to_come = 0, sum(len(folder.pictures) for folder in folders)
    for folder in folders:
        waiting.append((folder, list(next(pictures)[1]) if folder.pictures else []))
        held, to_come = held + len(folder.pictures), to_come - len(folder.pictures)
        if held >= min(AT_ONCE, max(AT_THE_END, to_come)):
            yield from _import_together(waiting, consent)
            waiting, held = [], 0
    yield from _import_together(waiting, consent)


def person_name(folder: str) -> str:
    """The name of the person whose folder is called so."""
    return folder.replace("_", " ")


def _entries(directory: Path) -> list[Path]:
    """Everything that somebody put there, sorted. Raises OSError."""
    return sorted(
        path for path in directory.iterdir() if not path.name.startswith(".") and path.name.lower() not in LITTER
    )


def _read_folder(folder: Path) -> PersonFolder:
    try:
        entries = _entries(folder)
        pictures = tuple(path for path in entries if _is_picture(path))
        others = tuple(_passed_over(path, folder.name) for path in entries if path not in pictures)
        return PersonFolder(folder.name, pictures, others)
    except OSError:
        return PersonFolder(folder.name, code=EnrollmentReason.FOLDER_UNREADABLE)


def _passed_over(path: Path, person: str) -> FileOutcome:
    """What is no picture file. A folder may hold pictures, and a link has lost one: those are refused."""
    if path.is_dir():
        return _outcome(path, person, REFUSED, EnrollmentReason.FOLDER_INSIDE)
    if not path.is_file():
        return _outcome(path, person, REFUSED, EnrollmentReason.FILE_UNREADABLE)
    return _outcome(path, person, SKIPPED, EnrollmentReason.NOT_A_PICTURE)


def _outcome(path: Path, person: str, outcome: str, code: EnrollmentReason) -> FileOutcome:
    return FileOutcome(path, person, outcome, code, sentence_for(code))


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES | NAMED_SUFFIXES and not path.name.startswith(".") and path.is_file()


def look_at_all(
    engine: FaceEngine, looks: Iterable[Callable[[], Picture]], tell: Callable[[int], None]
) -> Iterator[Picture]:
    """The pictures in order; each look is one job for the engine's pool. So many are under way that all cores are busy
    while a person is stored, and no more.
    """
    under_way: deque[Future[Picture]] = deque()
    seen = itertools.count(1)
    try:
        for look in looks:
            under_way.append(engine.submit(look))
            if len(under_way) >= AHEAD * engine.config.threads:
                yield under_way.popleft().result()
                tell(next(seen))
        while under_way:
            yield under_way.popleft().result()
            tell(next(seen))
    finally:  # whoever stops early does not wait for the rest
        for job in under_way:
            job.cancel()


def look_at_picture(engine: FaceEngine, path: Path) -> Picture:
    """A draft from the file, or the reason why there is none; one job for the engine's pool."""
    try:
        data = read_file(path)
    except OSError:
        return _without_draft(path, EnrollmentReason.FILE_UNREADABLE)
    except ImageError as error:
        return Picture(path, code=error.code, message=sentence_of(error))
    return look_at_bytes(engine, path, data)


def look_at_bytes(engine: FaceEngine, path: Path, data: bytes) -> Picture:
    """The same of a picture that lies in no file; path: what it is called."""
    try:
        image, detections = engine.turn_upright(engine.decode(data, UPLOAD_LIMITS))
    except ImageError as error:
        return Picture(path, code=error.code, message=sentence_of(error))
    face, code = choose_face(engine, image, detections)
    if face is None:
        return _without_draft(path, code)
    return Picture(path, draft_from_face(face, contract_id=engine.contract_id, source=FaceSample.Source.FOLDER))


def _without_draft(path: Path, code: str) -> Picture:
    return Picture(path, code=code, message=sentence_for_photo(code))


def choose_face(engine: FaceEngine, image: Image, found: Iterable[Detection]) -> tuple[Face | None, str]:
    """The face that the picture is about, embedded, and ""; or None and the reason code.

    image: (H, W, 3) uint8 BGR; found: its faces.
    """
    detections = sorted(found, key=lambda detection: -_prominence(detection.box_xyxy, image))
    if not detections:
        return None, EnrollmentReason.NO_FACE
    if len(detections) > 1:
        lead, next_one = (_prominence(detection.box_xyxy, image) for detection in detections[:2])
        if lead < CLEAR_LEAD * next_one:
            return None, EnrollmentReason.UNCLEAR_WHICH_FACE
    aligned = engine.align(image, detections[0])
    quality = engine.measure_quality(image, detections[0], aligned)
    if barred := barring_reason(quality):
        return None, barred
    if quality.face_size < SMALLEST_FACE:
        return None, Reason.FACE_TOO_SMALL
    if not DARKEST <= quality.brightness <= BRIGHTEST:
        return None, Reason.TOO_DARK if quality.brightness < DARKEST else Reason.TOO_BRIGHT
    return Face(detections[0], aligned, quality, engine.embed([aligned])[0]), ""


def _prominence(box: Any, image: Image) -> float:
    """The box's shorter side in pixels, in full at the picture's middle and falling to 0 in its corners.

    box: (4,) left, top, right, bottom in pixels. image: (H, W, 3).
    """
    height, width = image.shape[:2]
    left, top, right, bottom = (float(value) for value in box)
    offset = np.hypot((left + right - width) / 2, (top + bottom - height) / 2) / (np.hypot(width, height) / 2)
    return min(right - left, bottom - top) * max(0.0, 1.0 - float(offset))


def _import_together(found: Sequence[Found], consent: Consent) -> Iterator[PersonOutcome]:
    """Who is new is enrolled in one transaction, everybody else and whoever that refuses in one each."""
    new = _who_is_new(found)
    together = [(folder, pictures) for folder, pictures in found if folder.name in new]
    try:
        done = dict(zip((folder.name for folder, _ in together), _enroll_together(together, consent), strict=True))
    except EnrollmentError:  # nobody was enrolled; one by one it shows who is at fault
        done = {}
    for folder, pictures in found:
        outcome = done.get(folder.name)
        yield (
            replace(outcome, files=[*outcome.files, *folder.others])
            if outcome
            else _import_folder(folder, pictures, consent)
        )


def _who_is_new(found: Sequence[Found]) -> set[str]:
    """The names of those folders whose people can be enrolled together: nobody has their name, not even here."""
    names: dict[str, set[str]] = {}
    for folder, pictures in found:
        with suppress(NameInvalid):
            drafts = sum(picture.draft is not None for picture in pictures)
            if 0 < drafts <= MAX_SAMPLES:
                names[folder.name] = {services.clean_name(name) for name in (person_name(folder.name), folder.name)}
    wanted = Counter(itertools.chain.from_iterable(names.values()))
    taken = set(names_taken(wanted))
    return {called for called, mine in names.items() if not any(wanted[name] > 1 or name in taken for name in mine)}


@no_collections()
def _enroll_together(found: Sequence[Found], consent: Consent) -> list[PersonOutcome]:
    """Raises EnrollmentError: then nobody was enrolled."""
    if not found:
        return []
    drafts = [[picture.draft for picture in pictures if picture.draft] for _, pictures in found]
    newcomers = [Newcomer(person_name(folder.name), those) for (folder, _), those in zip(found, drafts, strict=True)]
    saved = enroll_newcomers(actor=None, newcomers=newcomers, consent=consent)
    lookalikes = find_lookalikes([(each.person, those) for each, those in zip(saved, drafts, strict=True)])
    return [
        _outcome_of_new(folder.name, pictures, each, like)
        for (folder, pictures), each, like in zip(found, saved, lookalikes, strict=True)
    ]


def _outcome_of_new(
    called: str, pictures: Sequence[Picture], saved: Saved, lookalikes: Sequence[DuplicateCandidate]
) -> PersonOutcome:
    kept = {sample.digest for sample in saved.samples}
    files = list(_judge_files(called, pictures, set(), kept, set(saved.fit.set_aside)))
    return PersonOutcome(called, saved.person, created=True, samples=len(kept), lookalikes=lookalikes, files=files)


def _import_folder(folder: PersonFolder, pictures: Sequence[Picture], consent: Consent) -> PersonOutcome:
    if folder.code:
        return PersonOutcome(folder.name, code=folder.code, message=sentence_for(folder.code))
    outcome = import_person(person_name(folder.name), pictures, consent, called=folder.name)
    return replace(outcome, files=[*outcome.files, *folder.others])


def import_person(
    name: str, pictures: Sequence[Picture], consent: Consent = NO_CONSENT, *, called: str = ""
) -> PersonOutcome:
    """Enrol somebody, or add to whoever has that name, from pictures that were looked at: one transaction.

    called: what the pictures came under, where that is not the name itself. The outcome says it, and earlier versions
    enrolled people under it ("Ada_Lovelace").
    """
    called = called or name
    try:
        subject = person_meant(name, called) or NewPerson(services.clean_name(name), None, consent)
    except EnrollmentError as error:
        return refused_folder(called, pictures, error)
    return import_samples(subject, pictures, called=called)


def import_samples(
    subject: Person | NewPerson, pictures: Sequence[Picture], *, called: str, actor: Actor | None = None
) -> PersonOutcome:
    """Enrol this person, or add to them, from pictures that were looked at: one transaction."""
    drafts = [picture.draft for picture in pictures if picture.draft]
    person = subject if isinstance(subject, Person) else None
    try:
        if not drafts:
            raise NoSamples(_("No picture in this folder could be used."))
        known = set(person.samples.values_list("digest", flat=True)) if person else set()
        lookalikes = find_duplicates(drafts, except_for=person)
        stored = services.save_samples(actor=actor, subject=subject, samples=drafts, sure=True).person
    except EnrollmentError as error:
        return refused_folder(called, pictures, error)
    kept = set(stored.samples.values_list("digest", flat=True))
    aside = set(stored.samples.filter(set_aside=True).values_list("digest", flat=True))
    files = list(_judge_files(called, pictures, known, kept, aside))
    return PersonOutcome(called, stored, created=person is None, samples=len(kept), lookalikes=lookalikes, files=files)


def refused_folder(called: str, pictures: Sequence[Picture], error: EnrollmentError) -> PersonOutcome:
    files = [_refused(called, picture, error) for picture in pictures]
    return PersonOutcome(called, code=error.code, message=str(error), files=files)


def person_meant(*names: str) -> Person | None:
    """The person whom pictures under these names belong to; None: nobody yet. Raises NameInvalid, NameAmbiguous."""
    namesakes = people_named(*map(services.clean_name, names))
    imported = [person for person in namesakes if _came_by_folder(person)]
    found = imported or namesakes
    if len(found) > 1:
        raise NameAmbiguous
    return found[0] if found else None


def _came_by_folder(person: Person) -> bool:
    """Whether an import enrolled this person: their first picture came from a folder, and no operator asked for it."""
    first = person.samples.order_by("pk").values_list("source", flat=True).first()
    return person.created_by_id is None and first in (None, FaceSample.Source.FOLDER)


def _judge_files(
    name: str, pictures: Iterable[Picture], known: set[str], kept: set[str], aside: set[str]
) -> Iterator[FileOutcome]:
    seen = set(known)
    for picture in pictures:
        if picture.draft is None:
            yield FileOutcome(picture.path, name, REFUSED, picture.code, picture.message)
            continue
        digest = picture.draft.digest
        code = _code_of(digest, seen, kept, aside)
        outcome = ENROLLED if code in ("", EnrollmentReason.SET_ASIDE) else ALREADY
        yield FileOutcome(picture.path, name, outcome, code, sentence_for(code) if code else "")
        seen.add(digest)


def _code_of(digest: str, seen: set[str], kept: set[str], aside: set[str]) -> str:
    """A code, where there is more to tell than that the picture was enrolled."""
    if digest in seen:
        return EnrollmentReason.ALREADY_ENROLLED
    if digest not in kept:
        return EnrollmentReason.SAMPLES_FULL
    return EnrollmentReason.SET_ASIDE if digest in aside else ""


def _refused(name: str, picture: Picture, error: EnrollmentError) -> FileOutcome:
    """The refusal of the file: for the picture's reason if there is one, else for that of the whole folder."""
    code, message = (picture.code, picture.message) if picture.code else (error.code, str(error))
    return FileOutcome(picture.path, name, REFUSED, code, message)
