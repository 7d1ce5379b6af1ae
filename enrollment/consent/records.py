"""The record of who agreed, how, on which legal basis and until when: how a row is made, read and said in words."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from enrollment.consent.policy import current_consent_policy, last_day
from enrollment.consent.texts import text_shown
from enrollment.errors import ConsentInvalid, ConsentRequired
from enrollment.models import ConsentRecord, ConsentText, LegalBasis, Person
from security.actors import Actor
from security.statements import insert_rows
from security.written_days import written

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

How = ConsentRecord.How
NOTHING_RECORDED = gettext_lazy("No consent recorded")


@dataclass(frozen=True, slots=True)
class Consent:
    """How somebody agreed, or why nobody was asked. The fields are those of ConsentRecord."""

    how: str
    legal_basis: str = LegalBasis.CONSENT
    note: str = ""
    text: ConsentText | None = None
    given_at: datetime | None = None
    """None: now, if `how` says that somebody agreed."""
    valid_until: date | None = None
    """The last day; None: until it is withdrawn."""


NO_CONSENT = Consent(How.IMPORTED_WITHOUT, legal_basis="")
"""What an import records that was told nothing else."""


def consent_at_enrolment(*, ticked: bool, text: object = None) -> Consent:
    """What an enrolment page records. text: the text that it showed; see text_shown(). Raises ConsentRequired."""
    policy = current_consent_policy()
    if ticked:
        return Consent(How.TICKED, text=text_shown(text), valid_until=last_day(policy))
    if policy.tick_required or not policy.unticked_basis:
        raise ConsentRequired
    return Consent(How.NOT_ASKED, legal_basis=policy.unticked_basis, note=policy.unticked_note)


def write_consent(person: Person, consent: Consent, actor: Actor | None) -> ConsentRecord:
    """Add the record that counts from now on. Call it in a transaction. Raises ConsentInvalid."""
    return write_consents([person], consent, actor)[0]


def write_consents(people: Sequence[Person], consent: Consent, actor: Actor | None) -> list[ConsentRecord]:
    """write_consent() for several people who agreed in the same way."""
    records = [_checked_record(person, consent, actor) for person in people]
    insert_rows(records)
    return records


def _checked_record(person: Person, consent: Consent, actor: Actor | None) -> ConsentRecord:
    agreed = consent.how in (How.TICKED, How.PAPER)
    record = ConsentRecord(
        person=person,
        text=consent.text,
        how=consent.how,
        legal_basis=consent.legal_basis,
        note=" ".join(consent.note.split()),
        given_at=(consent.given_at or timezone.now()) if agreed else None,
        given_to=None if isinstance(actor, AnonymousUser) else actor,  # type: ignore[misc]
        valid_until=consent.valid_until,
    )
    if record.legal_basis == LegalBasis.OTHER and not record.note:
        raise ConsentInvalid(_("Say in a note which legal basis it is."))
    if record.valid_until and record.valid_until < timezone.localdate():
        raise ConsentInvalid(_("The last day is in the past."))
    try:
        record.full_clean(exclude={"person", "given_to"}, validate_unique=False)  # its uuid is drawn
    except ValidationError as error:
        raise ConsentInvalid(" ".join(error.messages)) from None
    return record


def current_records() -> QuerySet[ConsentRecord]:
    """The record that counts of every person: nobody added a newer one."""
    newer = ConsentRecord.objects.filter(person=OuterRef("person"), pk__gt=OuterRef("pk"))
    return ConsentRecord.objects.filter(~Exists(newer)).order_by("pk")


def ended_people(people: Iterable[Person]) -> set[int]:
    """Primary keys of those whose consent was withdrawn or has expired: they must not be searched."""
    return set(_ended(current_records().filter(person__in=list(people))).values_list("person_id", flat=True))


def records_to_expire(today: date) -> QuerySet[ConsentRecord]:
    """Records that count, whose last day is over and of which nobody has taken notice."""
    return current_records().filter(valid_until__lt=today, withdrawn_at=None, expired_at=None)


def records_to_erase(today: date) -> QuerySet[ConsentRecord]:
    """Records that count, whose person is to be erased by now."""
    return _ended(current_records().filter(erase_on__lte=today))


def people_to_erase() -> QuerySet[Person]:
    """Those whose consent has ended: they wait for their erasure."""
    return Person.objects.filter(pk__in=_ended(current_records()).order_by().values("person"))


def people_without_record() -> QuerySet[Person]:
    """Those for whom nobody wrote down why their face may be kept."""
    return Person.objects.exclude(pk__in=current_records().exclude(legal_basis="").order_by().values("person"))


def _ended(records: QuerySet[ConsentRecord]) -> QuerySet[ConsentRecord]:
    return records.exclude(withdrawn_at=None, expired_at=None)


def basis_sentence(record: ConsentRecord | None) -> str:
    """What was recorded, in a few words: "Consent on paper", "Contract", "No consent recorded"."""
    if record is None or not record.legal_basis:
        return str(NOTHING_RECORDED)
    if record.legal_basis != LegalBasis.CONSENT:
        return str(LegalBasis(record.legal_basis).label)
    words = {How.TICKED: _("Consent, ticked here"), How.PAPER: _("Consent, on paper")}
    return words.get(How(record.how), _("Consent"))


def end_sentence(record: ConsentRecord) -> str:
    """For a record that ended: how, and when the person is erased. Empty for any other."""
    if not record.ended or record.erase_on is None:
        return ""
    if record.withdrawn_at:
        said = _("The consent was withdrawn. This person is not recognised, and will be erased on {day}.")
    else:
        said = _("The consent has expired. This person is not recognised, and will be erased on {day}.")
    return said.format(day=written(record.erase_on, "j F Y"))


def allowed_bases(bases: Collection[str]) -> list[tuple[str, _StrOrPromise]]:
    """(value, label) of the legal bases that a policy allows, as forms take them."""
    return [(value, label) for value, label in LegalBasis.choices if value in bases]
