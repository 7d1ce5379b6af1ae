"""What happens to somebody's consent after enrolment: recorded anew, withdrawn, restored, expired; and the erasure.

An end deactivates at once. The person is erased on the day that the record names, unless a new consent is recorded or
the withdrawal is undone before.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import datetime, timedelta

from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from enrollment import services
from enrollment.consent.policy import current_consent_policy
from enrollment.consent.records import (
    NO_CONSENT,
    Consent,
    records_to_erase,
    records_to_expire,
    write_consent,
)
from enrollment.errors import ConsentInvalid
from enrollment.models import ConsentRecord, Person
from enrollment.runtime.engine import get_engine
from enrollment.runtime.gallery import outlive_old_copies
from enrollment.selectors import merged_into, merged_records, with_merged
from recognizer.errors import RecognizerError
from security.actors import Actor, actor_id
from security.allowing import require
from security.audit.actions import Action
from security.events import log_event
from security.rights import Right

logger = logging.getLogger("facesite.enrollment")


def require_consenting(actor: Actor | None) -> None:
    """Whoever may enrol, correct or erase may write down what a person says about it. Raises NotAllowed."""
    require(actor, Right.ENROL, Right.CORRECT, Right.ERASE)


def record_consent(*, actor: Actor | None, person: Person, consent: Consent) -> ConsentRecord:
    """Write down a consent, or another legal basis, that counts from now on; the earlier records stay as history.

    Somebody whose consent had ended is searched again, if they were before. Raises ConsentInvalid, NotAllowed,
    PersonUnknown.
    """
    require_consenting(actor)
    with transaction.atomic():
        stored = services.lock_person(person)
        _refuse_merged(stored)
        if consent.legal_basis not in current_consent_policy().bases:
            raise ConsentInvalid(_("The site's consent policy does not allow this legal basis."))
        before = stored.consent
        agreed = write_consent(stored, consent, actor)
        if before and before.ended and before.was_active:
            services.change_active(actor, [stored], True)
        services.record_consent_change(agreed, actor, Action.CONSENT_RECORDED)
    log_event(logger, "consent_recorded", person=str(stored.uuid), how=agreed.how, actor=actor_id(actor))
    return agreed


def withdraw_consent(*, actor: Actor | None, person: Person) -> ConsentRecord:
    """Stop searching this person at once, and erase them after the site's grace period. Nobody is asked why.

    Records that were merged into theirs follow. The answer comes when no process names them any more. Raises
    ConsentInvalid (ended already, or merged into somebody), NotAllowed, PersonUnknown.
    """
    require_consenting(actor)
    with transaction.atomic():
        stored = services.lock_person(person)
        _refuse_merged(stored)
        if stored.consent and stored.consent.ended:
            raise ConsentInvalid(_("This person's consent has ended already."))
        for one in with_merged([stored]):
            ended = one.consent or write_consent(one, NO_CONSENT, actor)
            if ended.ended:
                continue
            ended.withdrawn_at = timezone.now()
            ended.withdrawn_by = None if isinstance(actor, AnonymousUser) else actor  # type: ignore[assignment]
            _end(one, ended, actor, Action.CONSENT_WITHDRAWN)
    log_event(logger, "consent_withdrawn", person=str(stored.uuid), actor=actor_id(actor))
    outlive_old_copies()
    return _present(stored)


def undo_withdrawal(*, actor: Actor | None, person: Person) -> ConsentRecord:
    """Let the withdrawn consent count again, as long as the person is there. Raises ConsentInvalid, NotAllowed."""
    require_consenting(actor)
    with transaction.atomic():
        stored = services.lock_person(person)
        if not (stored.consent and stored.consent.withdrawn_at):
            raise ConsentInvalid(_("Nothing was withdrawn."))
        for one in with_merged([stored]):
            restored = one.consent
            if restored and restored.withdrawn_at:
                restored.withdrawn_at = restored.withdrawn_by = restored.erase_on = None
                restored.save()
                if restored.was_active:
                    services.change_active(actor, [one], True)
                services.record_consent_change(restored, actor, Action.CONSENT_RESTORED)
    log_event(logger, "withdrawal_undone", person=str(stored.uuid), actor=actor_id(actor))
    return _present(stored)


def expire_consents(*, now: datetime | None = None) -> int:
    """Take notice of every consent whose last day is over: those people are not searched from now on. Returns how many.

    The first search of a day calls it in each process, and the daily run of retention does. Somebody merged into
    another person follows that person's consent.
    """
    today = timezone.localdate(now)
    number = 0
    for pk in _of_holders(records_to_expire(today)).values_list("pk", flat=True):
        with transaction.atomic():
            expired = records_to_expire(today).select_for_update().select_related("person").filter(pk=pk).first()
            if expired is None:  # another process was faster
                continue
            expired.expired_at = now or timezone.now()
            _end(expired.person, expired, None, Action.CONSENT_EXPIRED)
            number += 1
    if number:
        log_event(logger, "consents_expired", people=number)
    return number


def count_due_people(*, now: datetime | None = None) -> int:
    """How many people erase_due_people() would erase."""
    return _of_holders(records_to_erase(timezone.localdate(now))).count()


def erase_due_people(*, now: datetime | None = None, limit: int = 20) -> int:
    """Erase people whose consent was withdrawn or has expired and whose grace period is over, at most `limit` records.

    Returns how many were erased; 0: nobody is due. Records merged into theirs go too.
    """
    due = list(_of_holders(records_to_erase(timezone.localdate(now))).select_related("person")[:limit])
    if not due:
        return 0
    with suppress(RecognizerError):  # erasing compares unknown faces with theirs, for which the engine must run
        get_engine()
    return services.erase_people(actor=None, people=[one.person for one in due])


def _end(person: Person, ended: ConsentRecord, actor: Actor | None, action: Action) -> None:
    """Deactivate, and set the day of the erasure."""
    ended.was_active = person.is_active
    at = ended.withdrawn_at or ended.expired_at
    ended.erase_on = timezone.localdate(at) + timedelta(days=current_consent_policy().grace_days)
    ended.save()
    services.change_active(actor, [person], False)
    services.record_consent_change(ended, actor, action)


def _present(person: Person) -> ConsentRecord:
    return ConsentRecord.objects.filter(person=person).order_by("-pk")[0]


def _of_holders(records: QuerySet[ConsentRecord]) -> QuerySet[ConsentRecord]:
    """Without those of people who were merged into somebody: they follow the person who holds their samples."""
    return records.exclude(person__uuid__in=merged_records().keys()) if records.exists() else records.none()


def _refuse_merged(person: Person) -> None:
    if holder := merged_into(person):
        raise ConsentInvalid(_("This record was merged into {name}. Do it there.").format(name=holder.name))
