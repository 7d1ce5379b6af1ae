"""When each person was recognised last: a column of people, kept wherever an attempt comes, goes or counts no more.

Matches that an operator called wrong do not count. So the list of people is put in order by an index, where looking
each of them up in the history would take a second for 200,000.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db.models import Exists, OuterRef, Subquery

from enrollment.models import Person
from security.statements import write_field
from verification.models import FalseMatch, VerificationAttempt


def note_seen(attempt: VerificationAttempt) -> None:
    """Of an attempt that is new. Call it in the transaction that saved it, with its people locked and as they are."""
    person = attempt.matched_person
    if person and (person.last_seen_at is None or person.last_seen_at < attempt.created_at):
        person.last_seen_at = attempt.created_at
        write_field(person, "last_seen_at")


def look_up_again(people: Collection[int]) -> None:
    """For these people (primary keys), after their attempts or what was said of them changed; in that transaction."""
    wrong = FalseMatch.objects.filter(attempt=OuterRef("pk"), undone_at=None)
    seen = VerificationAttempt.objects.filter(~Exists(wrong), matched_person=OuterRef("pk"))
    newest = Subquery(seen.order_by("-created_at").values("created_at")[:1])
    Person.objects.filter(pk__in=people).update(last_seen_at=newest)


def counts_again(instance: FalseMatch, **kwargs: Any) -> None:
    """A record goes with the person whose face it was: the match names its own person again."""
    look_up_again([instance.person_id])
