"""Idempotency-Key: whoever did not hear the answer asks again, and gets the first one instead of a second person.

The answer is written in the transaction of the change: there is either both or neither. What was refused changed
nothing, so it is tried again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from api.models import FirstAnswer
from api.problems import ApiReason, Problem
from enrollment.models import Person
from security.daily import Shift
from security.keys.tokens import digest_of

KEPT: Final = timedelta(hours=24)
MOST_CHARACTERS: Final = 255


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: dict[str, Any]
    """JSON values."""
    person_uuid: UUID
    """Whom it is about: their erasure erases it."""


@dataclass(frozen=True, slots=True)
class Once:
    """One request that may come twice."""

    key_id: int
    token: str
    """SHA-256 of the Idempotency-Key."""
    request: str
    """SHA-256 of what was asked."""

    def first_answer(self) -> Answer | None:
        """What it was answered within KEPT. Raises Problem (422) where the first request was another one."""
        rows = FirstAnswer.objects.filter(key=self.key_id, token=self.token)
        row = rows.first()
        if row is None:
            return None
        if row.at < timezone.now() - KEPT:
            rows.delete()
            return None
        if row.request != self.request:
            raise Problem(422, ApiReason.IDEMPOTENCY_KEY_REUSED)
        return Answer(row.status, row.body, row.person_uuid)


def once_of(key_id: int, token: str, *asked: bytes) -> Once | None:
    """None: the request has no Idempotency-Key. asked: method, address, body. Raises Problem (422)."""
    if not token:
        return None
    if len(token) > MOST_CHARACTERS:
        raise Problem(422, ApiReason.REQUEST_INVALID, f"Idempotency-Key has at most {MOST_CHARACTERS} characters.")
    digest = hashlib.sha256()
    for part in asked:
        digest.update(len(part).to_bytes(8, "big") + part)
    return Once(key_id, digest_of(token), digest.hexdigest())


def answer_once(once: Once | None, work: Callable[[], Answer]) -> Answer:
    """Do the work and keep its answer, or give the first answer. Call it in a database thread."""
    if once is None:
        return work()
    if first := once.first_answer():
        return first
    try:
        with transaction.atomic():
            answer = work()
            FirstAnswer.objects.create(
                key_id=once.key_id,
                token=once.token,
                request=once.request,
                person_uuid=answer.person_uuid,
                status=answer.status,
                body=answer.body,
            )
        return answer
    except IntegrityError:  # the same request came twice at once, and the other one was faster
        if first := once.first_answer():
            return first
        raise


def forget_answers(people: Sequence[Person]) -> None:
    """Inside every erasure's transaction: an answer holds the person's name."""
    FirstAnswer.objects.filter(person_uuid__in=[person.uuid for person in people]).delete()


def forget_old_answers(shift: Shift) -> None:
    FirstAnswer.objects.filter(at__lt=timezone.now() - KEPT).delete()
