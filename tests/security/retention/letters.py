"""A kind of data that exists for these tests only: letters, each as old as it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from security.retention.rules import RetentionRule


@dataclass
class Letters:
    """What count_due and erase_batch of a rule work on."""

    ages: list[int]
    """Days."""
    batches: list[int] = field(default_factory=list)
    fails_after: int | None = None
    failure: type[Exception] = ZeroDivisionError
    on_batch: Callable[[], None] = field(default=lambda: None)

    def count_due(self, now: datetime, days: int) -> int:
        return sum(self._is_due(age, now, days) for age in self.ages)

    def erase_batch(self, now: datetime, days: int, limit: int) -> int:
        if self.fails_after is not None and len(self.batches) >= self.fails_after:
            raise self.failure
        due = [age for age in self.ages if self._is_due(age, now, days)][:limit]
        for age in due:
            self.ages.remove(age)
        self.batches.append(len(due))
        self.on_batch()
        return len(due)

    def rule(self, key: str = "letters", **changes: Any) -> RetentionRule:
        given: dict[str, Any] = {
            "key": key,
            "label": key.capitalize(),
            "explanation": "Old letters.",
            "count_due": self.count_due,
            "erase_batch": self.erase_batch,
            "default_days": 30,
        }
        return RetentionRule(**(given | changes))

    def _is_due(self, age: int, now: datetime, days: int) -> bool:
        return now - timedelta(days=age) < now - timedelta(days=days)
