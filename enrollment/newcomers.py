"""Many new people in one transaction: what an import of folders writes.

Each of them gets what services.enroll_person() gives. One transaction, one step of the gallery's revision and one look
at the end of the audit trail for all of them: by themselves these cost more than recognising somebody's pictures.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from django.core.exceptions import ValidationError
from django.db import transaction

from enrollment.consent.records import Consent, write_consents
from enrollment.errors import NameInvalid
from enrollment.models import ConsentRecord, Person
from enrollment.samples.drafts import SampleDraft
from enrollment.samples.duplicates import require_present_pack
from enrollment.samples.fitting import judge_newcomers
from enrollment.samples.storing import MAX_SAMPLES, checked_drafts, store_first_drafts
from enrollment.services import Saved, bump_gallery_revision, clean_name, consent_facts
from security.actors import Actor, actor_id
from security.allowing import require
from security.audit.actions import Action
from security.audit.recording import Change, record_each
from security.events import log_event
from security.rights import Right
from security.statements import insert_rows

logger = logging.getLogger("facesite.enrollment")


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody who is not enrolled yet, under a name that nobody has."""

    name: str
    samples: Sequence[SampleDraft]
    """One to MAX_SAMPLES."""


def enroll_newcomers(*, actor: Actor | None, newcomers: Sequence[Newcomer], consent: Consent) -> list[Saved]:
    """All of them or nobody, whoever they look like. consent: is recorded for each.

    Raises ConsentInvalid, NameInvalid, NoSamples, SampleInvalid and PackChanged for the first who is at fault, and
    ValueError for more than MAX_SAMPLES.
    """
    require(actor, Right.ENROL)
    drafts = [checked_drafts(newcomer.samples) for newcomer in newcomers]
    if any(len(those) > MAX_SAMPLES for those in drafts):
        raise ValueError("Whoever has more pictures than are kept is enrolled by enroll_person().")
    require_present_pack(draft for those in drafts for draft in those)
    people = [_checked_person(actor, newcomer.name) for newcomer in newcomers]
    fits = judge_newcomers(drafts)
    outliers = [fit.set_aside for fit in fits]
    with transaction.atomic():
        insert_rows(people)
        agreed = write_consents(people, consent, actor)
        samples = store_first_drafts(list(zip(people, drafts, outliers, strict=True)), actor)
        saved = list(map(Saved, people, samples, fits))
        bump_gallery_revision([person.uuid for person in people])
        record_each(actor=actor, changes=chain.from_iterable(map(_changes, saved, agreed)))
    level = logging.INFO if actor else logging.DEBUG
    log_event(logger, "enrolled", level=level, people=len(people), actor=actor_id(actor))
    return saved


def _checked_person(actor: Actor | None, name: str) -> Person:
    person = Person(name=clean_name(name), created_by=actor)  # type: ignore[misc]  # as in services.py
    try:
        person.full_clean(exclude={"created_by"}, validate_unique=False)  # without an ID; its uuid is drawn
    except ValidationError:
        raise NameInvalid from None
    return person


def _changes(saved: Saved, agreed: ConsentRecord) -> list[Change]:
    enrolled = {"samples": len(saved.samples), "despite_duplicate": True}
    return [
        (Action.PERSON_ENROLLED, saved.person.uuid, enrolled),
        (Action.CONSENT_RECORDED, saved.person.uuid, consent_facts(agreed)),
    ]
