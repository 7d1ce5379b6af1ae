"""The writes of people, samples and templates; merges and undos are in hygiene/actions.py. No model runs in here.

Each function checks, writes in one transaction, moves the gallery's revision and leaves an audit row in that same
transaction (in this order: both lock a row that every writer needs), and tells other processes after the commit.
`actor` is the operator who asked for it; None stands for a command on the server. Whoever lacks the right for it gets
NotAllowed (security/allowing.py).
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID, uuid4

from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from enrollment.consent.records import Consent, ended_people, write_consent
from enrollment.errors import (
    ConsentEnded,
    DuplicateCandidate,
    EnrollmentError,
    ExternalIdInvalid,
    ExternalIdTaken,
    NameInvalid,
    NotesInvalid,
    PersonUnknown,
    PossibleDuplicate,
    SampleUnknown,
    ValidityInvalid,
)
from enrollment.hooks import hooks
from enrollment.membership import add_members, lock_groups
from enrollment.models import (
    NOTES_LENGTH,
    ConsentRecord,
    ErasureReceipt,
    FaceSample,
    FaceTemplate,
    GalleryChange,
    GalleryRevision,
    HygieneAction,
    Person,
    PersonGroup,
    PersonPair,
)
from enrollment.naming import is_printable, tidy
from enrollment.receipts import HandedOut, write_receipt
from enrollment.runtime.gallery import KEPT_REVISIONS, outlive_old_copies
from enrollment.runtime.notices import announce_gallery_change
from enrollment.samples.drafts import SampleDraft
from enrollment.samples.duplicates import find_duplicates
from enrollment.samples.fitting import DraftsFit, judge_drafts
from enrollment.samples.pairs import find_pair, ordered
from enrollment.samples.storing import checked_drafts, keep_to_cap, store_drafts, template_for
from enrollment.sealed import person_key
from enrollment.selectors import with_merged
from recognizer.types import Vector
from security.actors import Actor, actor_id
from security.allowing import require
from security.audit.actions import Action
from security.audit.recording import record, record_all
from security.events import log_event
from security.models import Approval
from security.rights import Right
from security.roles.second_person import record_second_person, require_second_person
from security.traces import leave_no_traces

logger = logging.getLogger("facesite.enrollment")


@dataclass(frozen=True, slots=True)
class NewPerson:
    """Somebody who is not enrolled yet."""

    name: str
    external_id: str | None
    consent: Consent
    valid_from: date | None = None
    """valid_from and valid_until: the first and the last day on which searches find the person. None: no bound."""
    valid_until: date | None = None
    groups: tuple[PersonGroup, ...] = ()


@dataclass(frozen=True, slots=True)
class Saved:
    """What became of the samples that a service was given."""

    person: Person
    samples: Sequence[FaceSample]
    """Those that were new and kept, set-aside ones included."""
    fit: DraftsFit
    """Which of the given samples do not fit, as it was judged before they were stored."""


def save_samples(
    *,
    actor: Actor | None,
    subject: Person | NewPerson,
    samples: Sequence[SampleDraft],
    sure: bool = False,
    different: bool = False,
) -> Saved:
    """What the operator's pages save: somebody new, or samples of a person.

    The operator's answer to "possible duplicate": `sure` that these are samples of `subject`, or `different`, somebody
    else than those who look alike, which is noted. Raises what enroll_person() and add_samples() raise.
    """
    answer = {"despite_duplicate": sure or different, "note_different": different}
    if isinstance(subject, Person):
        return add_samples(actor=actor, person=subject, samples=samples, **answer)
    return enroll_person(
        actor=actor,
        name=subject.name,
        external_id=subject.external_id,
        consent=subject.consent,
        samples=samples,
        valid_from=subject.valid_from,
        valid_until=subject.valid_until,
        groups=subject.groups,
        **answer,
    )


def enroll_person(
    *,
    actor: Actor | None,
    name: str,
    external_id: str | None = None,
    consent: Consent,
    samples: Sequence[SampleDraft],
    valid_from: date | None = None,
    valid_until: date | None = None,
    groups: Collection[PersonGroup] = (),
    despite_duplicate: bool = False,
    note_different: bool = False,
) -> Saved:
    """A new person with their samples, templates and groups: all of it or nothing.

    Samples that do not fit the others are set aside (samples/fitting.py); they raise no question about duplicates.
    note_different: whoever looks like the new person is noted as somebody else (an operator compared the faces).
    Above storing.MAX_SAMPLES the least telling samples are left out. Raises ConsentInvalid, NameInvalid,
    ExternalIdInvalid, ExternalIdTaken, ValidityInvalid, GroupUnknown, NoSamples, SampleInvalid, PackChanged and,
    unless `despite_duplicate`, PossibleDuplicate.
    """
    require(actor, Right.ENROL)
    drafts = checked_drafts(samples)
    person = _unsaved_person(actor, name, external_id, valid_from, valid_until)
    fit = judge_drafts(drafts)
    lookalikes = _look_for_duplicates(drafts, fit.set_aside, None, despite_duplicate, note_different)
    with transaction.atomic():
        locked_groups = lock_groups(groups)
        _look_again(actor, drafts, fit.set_aside, None, despite_duplicate)
        _save_person(person)
        agreed = write_consent(person, consent, actor)
        stored, _ = store_drafts(person, drafts, actor, outliers=fit.set_aside)
        dropped = keep_to_cap(person, drafts[0].contract_id)
        noted = note_as_different(actor, person, lookalikes)
        bump_gallery_revision([person.uuid])
        saved = Saved(person, [sample for sample in stored if sample.pk not in dropped], fit)
        record(
            Action.PERSON_ENROLLED,
            actor=actor,
            target=person.uuid,
            samples=len(saved.samples),
            despite_duplicate=despite_duplicate,
        )
        record_notes(actor, noted)
        record_consent_change(agreed, actor, Action.CONSENT_RECORDED)
        _record_days(actor, person, only_where_set=True)
        for group in locked_groups:
            add_members(actor, group, [person])
    _log("enrolled", actor, person, samples=len(saved.samples))
    return saved


def register_person(
    *,
    actor: Actor | None,
    name: str,
    external_id: str | None = None,
    consent: Consent,
    valid_from: date | None = None,
    valid_until: date | None = None,
) -> Person:
    """Somebody new without a picture: no search finds them before add_samples().

    Raises ConsentInvalid, NameInvalid, ExternalIdInvalid, ExternalIdTaken, ValidityInvalid.
    """
    require(actor, Right.ENROL)
    person = _unsaved_person(actor, name, external_id, valid_from, valid_until)
    with transaction.atomic():
        _save_person(person)
        agreed = write_consent(person, consent, actor)
        record(Action.PERSON_ENROLLED, actor=actor, target=person.uuid, samples=0)
        record_consent_change(agreed, actor, Action.CONSENT_RECORDED)
        _record_days(actor, person, only_where_set=True)
    _log("enrolled", actor, person, samples=0)
    return person


def add_samples(
    *,
    actor: Actor | None,
    person: Person,
    samples: Sequence[SampleDraft],
    despite_duplicate: bool = False,
    note_different: bool = False,
) -> Saved:
    """More samples of somebody enrolled; a picture that the person already has changes nothing.

    Samples that do not fit are set aside, and lookalikes are noted, as in enroll_person().
    Above storing.MAX_SAMPLES the least telling ones go, old or new. Raises NoSamples, SampleInvalid, PackChanged,
    PersonUnknown, ConsentEnded and, unless `despite_duplicate`, PossibleDuplicate when they look like somebody else.
    """
    require(actor, Right.ENROL)
    drafts = checked_drafts(samples)
    fit = judge_drafts(drafts, person)
    lookalikes = _look_for_duplicates(drafts, fit.set_aside, person, despite_duplicate, note_different)
    with transaction.atomic():
        person = lock_person(person)
        require_consent([person])
        _look_again(actor, drafts, fit.set_aside, person, despite_duplicate)
        stored, changed = store_drafts(person, drafts, actor, outliers=fit.set_aside)
        dropped = keep_to_cap(person, drafts[0].contract_id)
        noted = note_as_different(actor, person, lookalikes)
        if changed:
            bump_gallery_revision([person.uuid])
        if dropped:
            leave_no_traces()
        saved = Saved(person, [sample for sample in stored if sample.pk not in dropped], fit)
        if changed or saved.samples:
            counts = {"samples": len(saved.samples), "dropped": len(dropped)}
            record(Action.SAMPLES_ADDED, actor=actor, target=person.uuid, **counts)
        record_notes(actor, noted)
    _log("samples_added", actor, person, samples=len(saved.samples))
    return saved


def remove_sample(*, actor: Actor | None, sample: FaceSample) -> None:
    """Erase one sample with its templates. The last one too: the person stays, unfindable until more are added.

    Raises SampleUnknown when it is gone already.
    """
    require(actor, Right.CORRECT)
    drop_sample(actor, sample)


def drop_sample(actor: Actor | None, sample: FaceSample) -> None:
    """remove_sample() for services that asked for a right of their own. Raises SampleUnknown."""
    with transaction.atomic():
        person = lock_person(sample.person)
        if not FaceSample.objects.filter(pk=sample.pk).delete()[0]:
            raise SampleUnknown
        bump_gallery_revision([person.uuid])
        leave_no_traces()
        record(Action.SAMPLE_REMOVED, actor=actor, target=person.uuid, sample=str(sample.uuid))
    _log("sample_removed", actor, person)


def set_aside(*, actor: Actor | None, sample: FaceSample, aside: bool) -> HygieneAction | None:
    """Keep a sample but leave it out of searches (`aside`), or take it back: then no rule sets it aside again.

    Taking back a sample that is searched anyway says that it is right, although it does not fit the others. Returns
    the hygiene action that was recorded; None when nothing had to change. Raises SampleUnknown when the sample is gone.
    """
    require(actor, Right.CORRECT)
    with transaction.atomic():
        before = FaceSample.objects.select_for_update().defer("crop").filter(pk=sample.pk).first()
        if before is None:
            raise SampleUnknown
        if before.set_aside == aside and before.taken_back != aside:
            return None
        standing = {
            "set_aside": aside,
            "set_aside_reason": FaceSample.AsideReason.OPERATOR if aside else "",
            "taken_back": not aside,
        }
        action = HygieneAction.objects.create(
            kind=HygieneAction.Kind.SET_ASIDE if aside else HygieneAction.Kind.TAKE_BACK,
            person=before.person,
            sample=before,
            details={"before": {name: getattr(before, name) for name in standing}},
            actor=actor,  # type: ignore[misc]
        )
        FaceSample.objects.filter(pk=before.pk).update(**standing)
        if before.set_aside != aside:
            bump_gallery_revision([before.person.uuid])
        done = Action.SAMPLE_SET_ASIDE if aside else Action.SAMPLE_TAKEN_BACK
        record(done, actor=actor, target=before.person.uuid, sample=str(before.uuid))
    for name, value in standing.items():
        setattr(sample, name, value)
    _log("sample_set_aside" if aside else "sample_taken_back", actor, sample.person)
    return action


def choose_portrait(*, actor: Actor | None, sample: FaceSample) -> bool:
    """Let this sample stand for its person on every page. False: it was chosen already. Raises SampleUnknown."""
    require(actor, Right.CORRECT)
    with transaction.atomic():
        person = lock_person(sample.person)
        if not FaceSample.objects.filter(pk=sample.pk, person=person).exists():
            raise SampleUnknown
        if person.portrait == sample.uuid:
            return False
        Person.objects.filter(pk=person.pk).update(portrait=sample.uuid, updated_at=timezone.now())
        record(Action.PERSON_PORTRAIT, actor=actor, target=person.uuid, sample=str(sample.uuid))
    _log("portrait_chosen", actor, person)
    return True


def note_as_different(
    actor: Actor | None, person: Person, lookalikes: Iterable[DuplicateCandidate]
) -> list[PersonPair]:
    """Note that these people are not `person`. Returns the notes that were new: give them to record_notes().

    Call it in a transaction.
    """
    noted = []
    for candidate in lookalikes:
        first, second = ordered(person, candidate.person)
        if not find_pair(first, second):
            pair = PersonPair(
                first=first,
                second=second,
                comparison_score=candidate.comparison_score,
                noted_by=actor,  # type: ignore[misc]
            )
            pair.full_clean(exclude={"noted_by"})
            pair.save()
            noted.append(pair)
            HygieneAction.objects.create(
                kind=HygieneAction.Kind.NOTE_PAIR,
                person=person,
                other=candidate.person,
                details={"comparison_score": candidate.comparison_score},
                actor=actor,  # type: ignore[misc]
            )
    return noted


def record_notes(actor: Actor | None, noted: Iterable[PersonPair]) -> None:
    """An audit row for each note; last in the transaction."""
    for pair in noted:
        record(Action.PAIR_NOTED, actor=actor, target=pair.first.uuid, other=str(pair.second.uuid))


def update_person(
    *,
    actor: Actor | None,
    person: Person,
    name: str,
    external_id: str | None,
    notes: str | None = None,
    is_active: bool | None = None,
) -> Person:
    """Change what is written about a person. None leaves the notes, or whether the person is active, as it is.

    Raises NameInvalid, ExternalIdInvalid, ExternalIdTaken, NotesInvalid, PersonUnknown and, for who becomes active,
    ConsentEnded.
    """
    require(actor, Right.CORRECT)
    with transaction.atomic():
        stored = lock_person(person)
        before = _details(stored)
        stored.name = clean_name(name)
        stored.external_id = clean_external_id(external_id)
        if notes is not None:
            stored.notes = clean_notes(notes)
        if is_active and not stored.is_active:
            require_consent([stored])
        if is_active is not None and is_active != stored.is_active:
            stored.is_active, stored.deactivated_at = is_active, None if is_active else timezone.now()
        _save_person(stored)
        bump_gallery_revision([stored.uuid])
        changed = [field for field, value in _details(stored).items() if value != before[field]]
        if changed:  # which fields, not what is in them: this outlives an erasure
            record(Action.PERSON_UPDATED, actor=actor, target=stored.uuid, changed=changed, is_active=stored.is_active)
    _log("updated", actor, stored)
    return stored


def set_validity(*, actor: Actor | None, person: Person, valid_from: date | None, valid_until: date | None) -> Person:
    """The first and the last day on which searches find the person. None: no bound. Raises ValidityInvalid."""
    require(actor, Right.CORRECT)
    require_days_in_order(valid_from, valid_until)
    with transaction.atomic():
        stored = lock_person(person)
        if (stored.valid_from, stored.valid_until) == (valid_from, valid_until):
            return stored
        stored.valid_from, stored.valid_until = valid_from, valid_until
        _save_person(stored)
        bump_gallery_revision([stored.uuid])
        _record_days(actor, stored)
    _log("validity_set", actor, stored)
    return stored


def set_active(*, actor: Actor | None, people: Iterable[Person], active: bool) -> int:
    """Let searches find these people, or no longer. Returns how many were changed.

    Nobody becomes active whose consent has ended: those are passed over.
    """
    require(actor, Right.CORRECT, Right.ERASE)
    return change_active(actor, list(people), active)


def change_active(actor: Actor | None, people: Sequence[Person], active: bool) -> int:
    """set_active() for services that asked for a right of their own, such as a withdrawal."""
    primary_keys = [person.pk for person in people]
    with transaction.atomic():
        to_change = Person.objects.select_for_update().filter(pk__in=primary_keys, is_active=not active)
        if active:
            to_change = to_change.exclude(pk__in=ended_people(people))
        uuids = list(to_change.order_by("pk").values_list("uuid", flat=True))
        now = timezone.now()
        since = None if active else now
        Person.objects.filter(uuid__in=uuids).update(is_active=active, deactivated_at=since, updated_at=now)
        if uuids:
            bump_gallery_revision(uuids)
            done = Action.PERSON_ACTIVATED if active else Action.PERSON_DEACTIVATED
            record_all(done, actor=actor, targets=uuids, together=len(uuids))
    log_event(logger, "activated" if active else "deactivated", people=len(uuids), actor=actor_id(actor))
    return len(uuids)


def erase_people(*, actor: Actor | None, people: Iterable[Person]) -> int:
    """Erase people for good: samples, templates, and what other apps keep of them (enrollment/hooks.py says what).

    Records that were merged into theirs go too, for they are of the same people. Returns how many records were erased;
    records that were gone already do not count. The answer comes when no process names these people any more.
    Several people at once take a second operator: raises SecondPersonNeeded until one has agreed to exactly these.
    Each leaves a signed receipt; erase_person() also gives the person's copy of it.
    """
    people = list(people)
    require(actor, Right.ERASE)
    with transaction.atomic():
        approval = None
        if len(people) > 1:
            targets = [f"person:{person.uuid}" for person in people]
            approval = require_second_person(actor=actor, action=Approval.Action.ERASE_MANY, target=targets)
        gone = len(erase_records(actor, people))
        record_second_person(actor, approval)
    if gone:
        outlive_old_copies()
    return gone


def erase_person(*, actor: Actor | None, person: Person) -> tuple[ErasureReceipt, HandedOut]:
    """Erase one person as erase_people() does. Returns the receipt, and what the person's copy of it holds besides.

    Raises PersonUnknown when the person is gone already.
    """
    require(actor, Right.ERASE)
    receipts = erase_records(actor, [person])
    if person.uuid not in receipts:
        raise PersonUnknown
    outlive_old_copies()
    return receipts[person.uuid]


def erase_records(actor: Actor | None, people: Sequence[Person]) -> dict[UUID, tuple[ErasureReceipt, HandedOut]]:
    """erase_people() for services that asked for a right of their own, such as taking back an enrolment.

    Returns person's uuid -> the receipt, and what the person's copy of it holds besides.
    """
    with transaction.atomic():
        found = _locked_with_merged(people)
        counts = {person.pk: _counts_erased_with(person) for person in found}
        # A merge may have brought their samples to somebody else: they go from there too.
        holders = Person.objects.filter(samples__merged_from__in=found).exclude(pk__in=[person.pk for person in found])
        touched = {person.uuid for person in found} | set(holders.values_list("uuid", flat=True))
        _forget_in_admin_log(found)
        Person.objects.filter(pk__in=[person.pk for person in found]).delete()
        receipts = {person.uuid: write_receipt(person, actor=actor, counts=counts[person.pk]) for person in found}
        if found:
            bump_gallery_revision(touched)
            leave_no_traces()
            record_all(
                Action.PERSON_ERASED, actor=actor, targets=[person.uuid for person in found], together=len(found)
            )
    log_event(logger, "erased", people=len(found), actor=actor_id(actor))
    return receipts


def _counts_erased_with(person: Person) -> dict[str, int]:
    """Let other apps forget the person; how many rows of which kind go with them, for the receipt."""
    samples = FaceSample.objects.filter(Q(person=person, merged_from=None) | Q(merged_from=person))
    counts = {
        "samples": samples.count(),
        "templates": FaceTemplate.objects.filter(sample__in=samples.values("pk")).count(),
        "consents": ConsentRecord.objects.filter(person=person).count(),
    }
    for callback in hooks.erase:
        for name, number in (callback([person]) or {}).items():
            counts[name] = counts.get(name, 0) + number
    return counts


def store_templates(*, actor: Actor | None, contract_id: str, embeddings: Mapping[int, Vector]) -> int:
    """Add templates of another embedding space. embeddings: sample's primary key -> (d,) float32, of length one.

    Samples that are gone meanwhile, or have such a template already, are passed over. Returns how many were written.
    """
    require(actor, Right.SET_POLICY)
    with transaction.atomic():
        samples = FaceSample.objects.select_for_update().filter(pk__in=embeddings).order_by("pk")
        missing = samples.exclude(templates__contract_id=contract_id)
        rows = list(missing.values_list("pk", "person__uuid", "person_id", "merged_from_id"))
        # A merged sample keeps the key of the person who was enrolled with it.
        keys = {owner: person_key(owner) for owner in sorted({origin or person for _, _, person, origin in rows})}
        FaceTemplate.objects.bulk_create(
            template_for(pk, embeddings[pk], contract_id, keys[origin or person]) for pk, _, person, origin in rows
        )
        if rows:
            bump_gallery_revision({uuid for _, uuid, *_ in rows})
            record(Action.TEMPLATES_STORED, actor=actor, target=contract_id, templates=len(rows))
    return len(rows)


def bump_gallery_revision(changed: Collection[UUID]) -> int:
    """Record that these people's templates changed (by uuid). Returns the new revision.

    Call it last in the transaction that changes them, only before the audit row: it locks the one row that every writer
    needs until the commit.
    """
    revision = GalleryRevision.objects.filter(pk=GalleryRevision.SINGLETON_PK)
    moved = {"number": F("number") + 1, "changed_at": timezone.now()}
    if not revision.update(**moved):  # a migration made the row; a database that was flushed has lost it
        GalleryRevision.objects.get_or_create(pk=GalleryRevision.SINGLETON_PK)
        revision.update(**moved)
    number = revision.values_list("number", flat=True).get()
    if number == 1:  # a new database: processes that know an older one must see the difference
        revision.update(epoch=uuid4())
    GalleryChange.objects.bulk_create([GalleryChange(revision=number, person_uuid=uuid) for uuid in changed])
    if number % 100 == 0:
        # Twice as many as readers use, so that no row disappears between a reader's two queries.
        GalleryChange.objects.filter(revision__lt=number - 2 * KEPT_REVISIONS).delete()
    transaction.on_commit(announce_gallery_change)
    return number


def lock_revision(actor: Actor | None) -> None:
    """Let no other writer change the gallery until the transaction ends. (A migration made the row.)

    All writers lock in one order: people, the operator's own row, the revision, the audit trail's end. On MySQL a row
    that names its operator locks the operator's; whoever did that only behind the revision could meet another writer
    and a sign-in that wait for each other.
    """
    if actor is not None and actor.pk and connection.vendor == "mysql":
        with connection.cursor() as cursor:
            table = connection.ops.quote_name(get_user_model()._meta.db_table)
            cursor.execute(f"SELECT 1 FROM {table} WHERE id = %s LOCK IN SHARE MODE", [actor.pk])  # noqa: S608
    list(GalleryRevision.objects.select_for_update().filter(pk=GalleryRevision.SINGLETON_PK))


def clean_name(name: str) -> str:
    """The name as it is stored (naming.tidy). Raises NameInvalid when it is empty, too long or not printable."""
    name = tidy(name)
    if not name or len(name) > 200 or not is_printable(name):
        raise NameInvalid
    return name


def clean_external_id(external_id: str | None) -> str | None:
    """The ID as it is stored; None for empty text. Raises ExternalIdInvalid."""
    text = tidy(external_id or "")
    if len(text) > 100 or not is_printable(text):
        raise ExternalIdInvalid
    return text or None


def clean_notes(notes: str) -> str:
    """Notes as they are stored, line by line. Raises NotesInvalid."""
    lines = [tidy(line) for line in notes.strip().splitlines()]
    text = "\n".join(lines)
    if len(text) > NOTES_LENGTH or not all(map(is_printable, lines)):
        raise NotesInvalid
    return text


def require_free_external_id(external_id: str | None, *, except_for: Person | None = None) -> None:
    """Raises ExternalIdTaken. When two writers come at once, the database's constraint decides."""
    others = Person.objects.exclude(pk=except_for.pk) if except_for else Person.objects.all()
    if external_id and others.filter(external_id=external_id).exists():
        raise ExternalIdTaken


def _unsaved_person(
    actor: Actor | None, name: str, external_id: str | None, valid_from: date | None, valid_until: date | None
) -> Person:
    """Raises NameInvalid, ExternalIdInvalid, ValidityInvalid."""
    require_days_in_order(valid_from, valid_until)
    return Person(
        name=clean_name(name),
        external_id=clean_external_id(external_id),
        valid_from=valid_from,
        valid_until=valid_until,
        created_by=actor,  # type: ignore[misc]  # AUTH_USER_MODEL is whatever the login was
    )


def require_days_in_order(valid_from: date | None, valid_until: date | None) -> None:
    """Raises ValidityInvalid when the last day is before the first."""
    if valid_from and valid_until and valid_until < valid_from:
        raise ValidityInvalid


def _record_days(actor: Actor | None, person: Person, *, only_where_set: bool = False) -> None:
    """An audit row about the days on which the person is recognised; last in the transaction."""
    days = {"since": person.valid_from, "until": person.valid_until}
    if only_where_set and not any(days.values()):
        return
    facts = {name: day.isoformat() if day else None for name, day in days.items()}
    record(Action.PERSON_VALIDITY, actor=actor, target=person.uuid, **facts)


def _look_for_duplicates(
    drafts: Sequence[SampleDraft],
    outliers: Collection[str],
    person: Person | None,
    despite_duplicate: bool,
    note_different: bool,
) -> Sequence[DuplicateCandidate]:
    """People who look like the samples that fit; not asked where the answer is known. Raises PossibleDuplicate."""
    fitting = [draft for draft in drafts if draft.digest not in outliers]
    if not fitting or (despite_duplicate and not note_different):
        return ()
    candidates = find_duplicates(fitting, except_for=person)
    if candidates and not despite_duplicate:
        raise PossibleDuplicate(candidates)
    return candidates


def _look_again(
    actor: Actor | None,
    drafts: Sequence[SampleDraft],
    outliers: Collection[str],
    person: Person | None,
    despite_duplicate: bool,
) -> None:
    """Look for duplicates once more, with the gallery locked until the commit: nobody slips in between.

    Without it, the same face shown to four sockets at once became four people. Raises PossibleDuplicate, PackChanged.
    """
    if not despite_duplicate:
        lock_revision(actor)
        _look_for_duplicates(drafts, outliers, person, False, False)


def require_consent(people: Sequence[Person]) -> None:
    """Raises ConsentEnded when the consent of one of them was withdrawn or has expired."""
    if ended_people(people):
        raise ConsentEnded


def record_consent_change(agreed: ConsentRecord, actor: Actor | None, action: Action) -> None:
    """An audit row about a record of consent: ids, dates and codes. Call it in the transaction of the change."""
    record(action, actor=actor, target=agreed.person.uuid, **consent_facts(agreed))


def consent_facts(agreed: ConsentRecord) -> dict[str, str | None]:
    """What an audit row about a record of consent says."""
    return {
        "record": str(agreed.uuid),
        "how": agreed.how,
        "legal_basis": agreed.legal_basis,
        "text": agreed.text.version if agreed.text else None,
        "valid_until": agreed.valid_until.isoformat() if agreed.valid_until else None,
        "erase_on": agreed.erase_on.isoformat() if agreed.erase_on else None,
    }


def lock_person(person: Person) -> Person:
    """The person's row as it is now, locked until the transaction ends. Raises PersonUnknown."""
    try:
        return Person.objects.select_for_update().get(pk=person.pk)
    except Person.DoesNotExist:
        raise PersonUnknown from None


def lock_people(primary_keys: Collection[int]) -> set[int]:
    """The primary keys of those who are still there, their rows locked until the transaction ends.

    In the order in which an erasure takes them, before it takes what hangs on them.
    """
    people = Person.objects.select_for_update().filter(pk__in=primary_keys).order_by("pk")
    return set(people.values_list("pk", flat=True))


def _locked_with_merged(people: Sequence[Person]) -> list[Person]:
    """Lock rows first, then ask for merges, so that no merge comes in between."""
    wanted = {person.pk for person in people}
    while True:
        locked = list(Person.objects.select_for_update().filter(pk__in=wanted).order_by("pk"))
        more = {person.pk for person in with_merged(locked)} - wanted
        if not more:
            return locked
        wanted |= more


def _forget_in_admin_log(people: Sequence[Person]) -> None:
    """The admin's log of who changed what keeps the entries, but not the names."""
    entries = LogEntry.objects.filter(content_type__app_label="enrollment", content_type__model="person")
    entries.filter(object_id__in=[str(person.pk) for person in people]).update(object_repr="an erased person")


def _details(person: Person) -> dict[str, object]:
    return {name: getattr(person, name) for name in ("name", "external_id", "notes", "is_active")}


def _save_person(person: Person) -> None:
    try:
        person.full_clean(exclude={"created_by"})
        person.save()
    except ValidationError as error:
        raise _person_error(error) from None
    except IntegrityError:  # another process took it between the check and the write
        raise ExternalIdTaken from None


def _person_error(error: ValidationError) -> EnrollmentError:
    if "name" in error.message_dict:
        return NameInvalid()
    codes = {problem.code for problem in error.error_dict.get("external_id", ())}
    return ExternalIdTaken() if "unique" in codes else ExternalIdInvalid()


def _log(event: str, actor: Actor | None, person: Person, **numbers: int) -> None:
    """Commands (no actor) report what they do by themselves: their lines are for debugging only."""
    level = logging.INFO if actor else logging.DEBUG
    log_event(logger, event, level=level, person=str(person.uuid), actor=actor_id(actor), **numbers)
