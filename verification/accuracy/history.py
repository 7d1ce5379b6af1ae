"""The attempts of the last weeks as the pages of accuracy read them: numbers, not pictures. Reads; writes nothing.

Of 20,000 rows every column costs, a moment or a uuid more than a number: each question reads what it goes by.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, NamedTuple, TypeVar

from django.db.models import TextField
from django.db.models.functions import Cast
from django.utils import timezone

from verification.models import FalseMatch, InboxAction, UnknownFace, VerificationAttempt

MOST_ATTEMPTS = 20_000
"""The newest ones; reading more would keep a page waiting for seconds."""
LOOKED_THROUGH = 100_000
"""The newest ones, of any pack: after a switch there are few of the present one, and no page waits while the database
looks for more of them through a month of the former's."""
Mode, Source, Verdict = VerificationAttempt.Mode, VerificationAttempt.Source, VerificationAttempt.Verdict


class PastDecision(NamedTuple):
    """What one verdict rests on, so that it can be given again. Scores are cosines."""

    pk: int
    mode: str
    verdict: str
    comparison_score: float | None
    runner_up: float | None
    reasons: str
    """As JSON: thousands of attempts have the same few lists, and whoever reads them reads each list once."""


class PastAttempt(NamedTuple):
    """What the history says about one decision, and when it was made. Scores are cosines."""

    pk: int
    created_at: datetime
    mode: str
    source: str
    verdict: str
    comparison_score: float | None
    match_threshold: float
    quality_score: float | None

    @property
    def is_stranger(self) -> bool:
        """A search found nobody, and clearly: mostly strangers, now and then somebody enrolled who was missed."""
        return self.mode == Mode.IDENTIFY and self.verdict == Verdict.NON_MATCH and self.comparison_score is not None

    @property
    def from_camera(self) -> bool:
        """Somebody stood before a camera of this site; other pictures come from anywhere."""
        return self.source not in (Source.PHOTO, Source.COMMAND)


Row = TypeVar("Row", PastDecision, PastAttempt)
"""Its fields are columns of VerificationAttempt."""
AS_STORED = {"reasons": Cast("reasons", TextField())}
"""Columns that are not made into Python's values, row by row."""


@dataclass(frozen=True)
class History(Generic[Row]):
    """Attempts of one embedding space, the newest first."""

    attempts: tuple[Row, ...]
    since: datetime
    """The first moment that was looked at."""
    cut: bool
    """There are more than MOST_ATTEMPTS: the oldest were left out."""


def read_history(kind: type[Row], contract_id: str, days: int, *, now: datetime | None = None) -> History[Row]:
    """The attempts of so many days, among the newest LOOKED_THROUGH, whose scores belong to this embedding space.

    Two queries, one of them of `kind`'s columns.
    """
    since = (now or timezone.now()) - timedelta(days=days)
    moments = VerificationAttempt.objects.filter(created_at__gte=since).order_by("-created_at")
    since = next(iter(moments.values_list("created_at", flat=True)[LOOKED_THROUGH - 1 : LOOKED_THROUGH]), since)
    rows = VerificationAttempt.objects.filter(contract_id=contract_id, created_at__gte=since)
    columns = [AS_STORED.get(name, name) for name in kind._fields]
    found = list(rows.order_by("-created_at", "-pk").values_list(*columns)[: MOST_ATTEMPTS + 1])
    return History(tuple(map(kind._make, found[:MOST_ATTEMPTS])), since, len(found) > MOST_ATTEMPTS)


def reported_wrong(attempts: Sequence[PastAttempt]) -> set[int]:
    """Primary keys of those whose match an operator called wrong ("Not this person"), and did not take back."""
    since = min((one.created_at for one in attempts), default=timezone.now())
    rows = FalseMatch.objects.filter(undone_at=None, attempt__created_at__gte=since)
    return set(rows.values_list("attempt_id", flat=True)) & {one.pk for one in attempts}


def known_after_all() -> set[int]:
    """Primary keys of attempts whose unknown face was given to a person who was enrolled already: no strangers."""
    assigned = UnknownFace.objects.filter(handled_by__kind=InboxAction.Kind.ASSIGN, handled_by__undone_at=None)
    return set(assigned.values_list("attempt_id", flat=True))
