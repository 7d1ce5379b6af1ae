"""What may be erased when. Every app registers its rules from its AppConfig.ready(); this room knows none of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from security.actors import Actor
from security.numbers import grouped

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

CountDue = Callable[[datetime, int], int]
EraseBatch = Callable[[datetime, int, int], int]


@dataclass(frozen=True, slots=True)
class OwnDays:
    """Where a rule's days are kept when another page sets them too, so that one number decides for both."""

    read: Callable[[], int | None]
    save: Callable[[Actor | None, int], None]
    """Called in the transaction that saves the site's rules."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionRule:
    """One kind of data that becomes due after some days.

    Both functions get the present time (aware) and the site's days. Due is what is older than now minus days; exactly
    as old is not due yet.
    """

    key: str
    """Stable: it is stored, and `manage.py retention --json` prints it."""
    label: _StrOrPromise
    """As the page's form names it: "Pictures of attempts"."""
    explanation: _StrOrPromise
    """Plain English for operators: what is erased and what stays."""
    count_due: CountDue
    """(now, days) -> how many are due. Quick: a page waits for it."""
    erase_batch: EraseBatch
    """(now, days, limit) -> how many of those due were erased now, at most `limit`; 0: none is left.

    One short transaction by the service that erases such data, which also writes audit rows.
    """
    default_days: int | None
    """Until the site decides. None: kept."""
    least_days: int = 1
    most_days: int = 3_650
    may_keep: bool = True
    """Whether the site may choose to keep it for good."""
    floor_reason: _StrOrPromise = ""
    """Why not fewer than least_days, as a sentence that follows a refusal."""
    most_at_once: int = 100
    """The largest batch that the runner asks for. Fewer where one of them is dear, such as a person."""
    own_days: OwnDays | None = None
    housekeeping: bool = False
    """Of no interest to most sites: shown last."""

    def refusal(self, days: int | None) -> str:
        """Why the site cannot choose these days (None: keep), as a sentence; empty when it can."""
        if days is None:
            return (
                ""
                if self.may_keep
                else _("{label}: these cannot be kept for good. Choose a number of days.").format(label=self.label)
            )
        if self.least_days <= days <= self.most_days:
            return ""
        sentence = _("{label}: choose between {least} and {most} days.").format(
            label=self.label, least=self.least_days, most=grouped(self.most_days)
        )
        return f"{sentence} {self.floor_reason}" if days < self.least_days and self.floor_reason else sentence


def old_rows(due: Callable[[datetime, int], QuerySet[Any]]) -> tuple[CountDue, EraseBatch]:
    """count_due and erase_batch for rows that nobody else has to forget.

    due: (now, days) -> the rows that are too old, in the order in which they go.
    """

    def count_due(now: datetime, days: int) -> int:
        return due(now, days).count()

    def erase_batch(now: datetime, days: int, limit: int) -> int:
        keys = list(due(now, days).values_list("pk", flat=True)[:limit])
        with transaction.atomic():
            return delete_rows(due(now, days).filter(pk__in=keys))

    return count_due, erase_batch


def delete_rows(rows: QuerySet[Any]) -> int:
    """How many went; rows that a delete takes along do not count."""
    return rows.delete()[1].get(rows.model._meta.label, 0)


@dataclass(slots=True)
class RetentionRules:
    """The rules of every app in the order of their registration, housekeeping last, for pages and runs alike."""

    by_key: dict[str, RetentionRule] = field(default_factory=dict)

    def register(self, rule: RetentionRule) -> None:
        """AppConfig.ready() may run twice: the same key replaces the rule."""
        self.by_key[rule.key] = rule

    def __iter__(self) -> Iterator[RetentionRule]:
        return iter(sorted(self.by_key.values(), key=lambda rule: rule.housekeeping))


retention_rules = RetentionRules()
"""The process's own. A test swaps `by_key` with monkeypatch.setattr(retention_rules, ...)."""
