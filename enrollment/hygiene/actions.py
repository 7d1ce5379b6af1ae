"""What operators do to keep the gallery clean.

Each change is one transaction and writes a HygieneAction, which undo_action() can take back. Setting a sample aside
writes a HygieneAction too; services.set_aside() does that.
"""

from __future__ import annotations

import logging

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from enrollment.consent.records import ended_people
from enrollment.errors import DuplicateCandidate, MergeRefused, PersonUnknown, UndoBlocked
from enrollment.models import FaceSample, HygieneAction, Person, PersonPair
from enrollment.samples.pairs import find_pair, ordered
from enrollment.samples.storing import keep_to_cap
from enrollment.services import bump_gallery_revision, lock_people, note_as_different, record_notes
from security.actors import Actor, actor_id
from security.allowing import require
from security.audit.actions import Action
from security.audit.recording import record
from security.events import log_event
from security.rights import Right

logger = logging.getLogger("facesite.enrollment")
Kind = HygieneAction.Kind


def merge_people(*, actor: Actor | None, keep: Person, merge: Person, contract_id: str) -> HygieneAction:
    """Make one record of two: `keep` gets samples and groups of `merge`, which is deactivated but stays on record.

    Nothing is erased, so that a merge can be undone. A picture that both have stays with `merge`. Samples above the cap
    are set aside; the templates of `contract_id` decide which of them tell the least. Raises PersonUnknown,
    MergeRefused.
    """
    require(actor, Right.CORRECT)
    with transaction.atomic():
        keep, merge = _lock_two(keep, merge)
        if not keep.is_active:  # else two operators who merge in opposite directions would deactivate both records
            raise MergeRefused(
                _("{name} is not active, perhaps merged into somebody since. Look at the report again.").format(
                    name=keep.name
                )
            )
        if ended_people([keep, merge]):
            raise MergeRefused(
                _("The consent of one of these two has ended. Record a new one first, or erase that record.")
            )
        if find_pair(keep, merge):
            raise MergeRefused(_("These two were noted as different people. Remove that note first."))
        known = keep.samples.values("digest")
        moving = list(merge.samples.exclude(digest__in=known).values_list("pk", flat=True))
        FaceSample.objects.filter(pk__in=moving, merged_from=None).update(merged_from=merge)
        FaceSample.objects.filter(pk__in=moving).update(person=keep)
        surplus = keep_to_cap(keep, contract_id, erase=False)
        now = timezone.now()
        since = merge.deactivated_at or now
        groups = sorted(set(merge.groups.values_list("pk", flat=True)) - set(keep.groups.values_list("pk", flat=True)))
        keep.groups.add(*groups)
        Person.objects.filter(pk=merge.pk).update(is_active=False, deactivated_at=since, updated_at=now)
        action = HygieneAction.objects.create(
            kind=Kind.MERGE,
            person=keep,
            other=merge,
            details={"moved": moving, "set_aside": sorted(surplus), "was_active": merge.is_active, "groups": groups},
            actor=actor,  # type: ignore[misc]
        )
        bump_gallery_revision([keep.uuid, merge.uuid])
        record(Action.PEOPLE_MERGED, actor=actor, target=keep.uuid, other=str(merge.uuid), samples=len(moving))
    _log(action, actor)
    return action


def note_pair(*, actor: Actor | None, first: Person, second: Person, comparison_score: float) -> PersonPair:
    """Note that two people who look alike are different. An earlier note about them stays as it is.

    comparison_score: the cosine that raised the question, -1..1. Raises PersonUnknown, MergeRefused (the same person
    twice).
    """
    require(actor, Right.CORRECT)
    with transaction.atomic():
        first, second = _lock_two(first, second)
        known = find_pair(first, second)
        if known:
            return known
        noted = note_as_different(actor, first, [DuplicateCandidate(second, comparison_score)])
        record_notes(actor, noted)
        return noted[0]


def forget_pair(*, actor: Actor | None, first: Person, second: Person) -> HygieneAction | None:
    """Remove the note that two people are different, so that operators are asked about them again.

    None: there was no note. Raises PersonUnknown, MergeRefused (the same person twice).
    """
    require(actor, Right.CORRECT)
    with transaction.atomic():
        first, second = _lock_two(first, second)
        pair = find_pair(first, second)
        if pair is None:
            return None
        pair.delete()
        action = HygieneAction.objects.create(
            kind=Kind.FORGET_PAIR,
            person=first,
            other=second,
            details={"comparison_score": pair.comparison_score},
            actor=actor,  # type: ignore[misc]
        )
        record(Action.PAIR_FORGOTTEN, actor=actor, target=first.uuid, other=str(second.uuid))
    _log(action, actor)
    return action


def undo_action(*, actor: Actor | None, action: HygieneAction) -> None:
    """Put things back as they were before the action. Raises UndoBlocked when that cannot be done, or no longer."""
    require(actor, Right.CORRECT)
    with transaction.atomic():
        # People first, as in an erasure, which erases actions.
        people = [pk for pk in (action.person_id, action.other_id) if pk]
        lock_people(people)
        locked = HygieneAction.objects.select_for_update().filter(pk=action.pk).first()
        if locked is None:
            raise UndoBlocked(_("Somebody whom this was about was erased since."))
        if locked.undone_at:
            raise UndoBlocked(_("This was undone already."))
        action = locked
        # Before the gallery's revision is moved: lock_revision() says why.
        HygieneAction.objects.filter(pk=action.pk).update(undone_at=timezone.now(), undone_by=actor)
        {
            Kind.MERGE: _undo_merge,
            Kind.SET_ASIDE: _undo_standing,
            Kind.TAKE_BACK: _undo_standing,
            Kind.NOTE_PAIR: _undo_note,
            Kind.FORGET_PAIR: _undo_forget,
        }[Kind(action.kind)](action)
        target, about = action.person.uuid, {"kind": action.kind, "undone": str(action.uuid)}
        record(Action.HYGIENE_UNDONE, actor=actor, target=target, **about)
    _log(action, actor, undone=True)


def _undo_merge(action: HygieneAction) -> None:
    """Give the moved samples back. Those removed since stay removed; those that a later merge moved on block it."""
    keep, merge = _lock_two(action.person, _other(action))
    moved = FaceSample.objects.filter(pk__in=action.details["moved"])
    if moved.exclude(person=keep).exists():
        raise UndoBlocked(_("The samples were merged on since. Undo the later merge first."))
    if moved.filter(digest__in=merge.samples.values("digest")).exists():
        raise UndoBlocked(
            _("{name} got one of these pictures again since. Remove it there first.").format(name=merge.name)
        )
    back = list(moved.values_list("pk", flat=True))
    FaceSample.objects.filter(pk__in=back, merged_from=merge).update(merged_from=None)
    FaceSample.objects.filter(pk__in=back).update(person=merge)
    surplus = FaceSample.objects.filter(
        pk__in=action.details["set_aside"], set_aside_reason=FaceSample.AsideReason.SURPLUS
    )
    surplus.update(set_aside=False, set_aside_reason="")
    keep.groups.remove(*action.details.get("groups", ()))  # older merges took none along
    if action.details["was_active"] and not ended_people([merge]):
        Person.objects.filter(pk=merge.pk).update(is_active=True, deactivated_at=None, updated_at=timezone.now())
    bump_gallery_revision([keep.uuid, merge.uuid])


def _undo_standing(action: HygieneAction) -> None:
    if action.sample is None:
        raise UndoBlocked(_("The sample was removed since."))
    later = HygieneAction.objects.filter(
        sample=action.sample, kind__in=(Kind.SET_ASIDE, Kind.TAKE_BACK), pk__gt=action.pk, undone_at=None
    )
    if later.exists():
        raise UndoBlocked(_("The sample was set aside or taken back again since. Undo that first."))
    FaceSample.objects.filter(pk=action.sample.pk).update(**action.details["before"])
    bump_gallery_revision([action.sample.person.uuid])


def _undo_note(action: HygieneAction) -> None:
    pair = find_pair(action.person, _other(action))
    if pair is None:
        raise UndoBlocked(_("The note was removed already."))
    pair.delete()


def _undo_forget(action: HygieneAction) -> None:
    first, second = ordered(action.person, _other(action))
    if find_pair(first, second):
        raise UndoBlocked(_("These two were noted as different again since."))
    score = action.details["comparison_score"]
    PersonPair.objects.create(first=first, second=second, comparison_score=score, noted_by=action.actor)


def _other(action: HygieneAction) -> Person:
    if action.other is None:
        raise UndoBlocked
    return action.other


def _lock_two(first: Person, second: Person) -> tuple[Person, Person]:
    """Both rows as they are now, locked by ascending primary key. Raises PersonUnknown, MergeRefused (one person)."""
    if first.pk == second.pk:
        raise MergeRefused(_("This is one and the same person."))
    rows = {
        person.pk: person
        for person in Person.objects.select_for_update().filter(pk__in=[first.pk, second.pk]).order_by("pk")
    }
    if len(rows) < 2:
        raise PersonUnknown
    return rows[first.pk], rows[second.pk]


def _log(action: HygieneAction, actor: Actor | None, *, undone: bool = False) -> None:
    """Ids only, no names."""
    event = f"hygiene_{action.kind}{'_undone' if undone else ''}"
    log_event(logger, event, action=str(action.uuid), actor=actor_id(actor))
