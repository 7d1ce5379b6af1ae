"""What the attempts of the last weeks say: false alarms, and whether light or camera changed. Reads; writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from recognizer.decisions import policy_for_gallery
from recognizer.engine import FaceEngine
from recognizer.types import DecisionPolicy
from verification.accuracy.drift import BEFORE_DAYS, RECENT_DAYS, find_drifts
from verification.accuracy.history import MOST_ATTEMPTS, PastAttempt, known_after_all, read_history, reported_wrong
from verification.accuracy.strangers import STRANGERS_NEEDED, ErrorBudget, measure_budget
from verification.policy import false_alarms_per_1000


@dataclass(frozen=True, slots=True)
class Watched:
    """The last weeks at this site's cameras."""

    budget: ErrorBudget
    broken: bool
    """Surely more strangers are named than the policy promises."""
    drifts: tuple[str, ...]
    """Sentences: what became worse in the last week."""
    cut: bool
    """There were more than `most` attempts; the oldest were left out."""
    days: int = RECENT_DAYS + BEFORE_DAYS
    most: int = MOST_ATTEMPTS
    needed: int = STRANGERS_NEEDED


def watch(engine: FaceEngine, policy: DecisionPolicy, people: int, *, now: datetime | None = None) -> Watched:
    """Three queries, over MOST_ATTEMPTS at most. policy: the one in force; people: those whom a search compares."""
    now = now or timezone.now()
    history = read_history(PastAttempt, engine.contract_id, RECENT_DAYS + BEFORE_DAYS, now=now)
    budget = measure_budget(
        history.attempts,
        wrong=reported_wrong(history.attempts),
        known=known_after_all(),
        gap=policy.match_threshold - policy.uncertain_threshold,
        threshold=policy_for_gallery(policy, people).match_threshold,
        people=people,
    )
    return Watched(
        budget=budget,
        broken=budget.exceeds(false_alarms_per_1000(policy, people)),
        drifts=tuple(find_drifts(history.attempts, now)),
        cut=history.cut,
    )
