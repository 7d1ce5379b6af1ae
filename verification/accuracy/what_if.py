"""What would have been decided otherwise under another threshold. From the scores in the history; writes nothing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from recognizer.decisions import judge_score, policy_for_gallery
from recognizer.reasons import Reason
from recognizer.types import DecisionPolicy, Verdict
from security.numbers import grouped
from verification.accuracy.history import PastDecision
from verification.models import VerificationAttempt

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

OF_THE_SCORE = {
    Reason.BELOW_THRESHOLD,
    Reason.BETWEEN_THRESHOLDS,
    Reason.MARGIN_TOO_SMALL,
    Reason.TEMPLATES_DISAGREE,
    Reason.LOW_QUALITY,
}
"""What may stand first among the reasons of a verdict that scores and thresholds made. Behind any other reason
(liveness, frames that disagree, a recorded wrong match, a covered face ...) no threshold changes anything."""

MATCH, ATTACK, VERIFY = Verdict.MATCH.value, Verdict.ATTACK.value, VerificationAttempt.Mode.VERIFY.value
LOW_QUALITY = Reason.LOW_QUALITY.value
"""As text: 20,000 attempts are compared with them, and a member of an enumeration is looked up each time."""


@dataclass(frozen=True, slots=True)
class Change:
    """One attempt, and the verdict that it would have got."""

    attempt: PastDecision
    verdict: Verdict
    reservation: _StrOrPromise = ""
    """A sentence: what the history does not tell; empty: nothing."""


@dataclass(frozen=True, slots=True)
class Replay:
    """All attempts under another policy."""

    changes: tuple[Change, ...]
    """In the order of the attempts."""
    replayed: int
    """Attempts whose verdict followed from scores."""
    untouched: int
    """Attempts that something else decided: no threshold changes them."""

    @property
    def counts(self) -> list[tuple[str, str, int]]:
        """(verdict, other verdict, how many), the most frequent first."""
        steps = Counter((one.attempt.verdict, one.verdict.value) for one in self.changes)
        return [(before, after, number) for (before, after), number in steps.most_common()]


SECOND_PICTURE = gettext_lazy("If a second picture of the person is similar too: the history does not keep that score.")
POOR_PICTURE = gettext_lazy("Uncertain instead, if no frame was good: poor frames deny nobody.")


def replay(attempts: Iterable[PastDecision], policy: DecisionPolicy, people: int) -> Replay:
    """policy: the other one, as it stands for one comparison; people: in the gallery now, which a search goes by."""
    search = policy_for_gallery(policy, people)
    changes, replayed, untouched = [], 0, 0
    for attempt in attempts:
        changed = judge_again(attempt, policy if attempt.mode == VERIFY else search)
        if changed is None:
            untouched += 1
            continue
        replayed += 1
        if changed.verdict != attempt.verdict:
            changes.append(changed)
    return Replay(tuple(changes), replayed, untouched)


def is_of_the_score(attempt: PastDecision) -> bool:
    """Whether scores and thresholds made the verdict."""
    decided = attempt.comparison_score is not None and attempt.verdict != ATTACK
    return decided and ((first := _first_reason(attempt.reasons)) is None or first in OF_THE_SCORE)


@lru_cache(maxsize=1_000)
def _first_reason(reasons: str) -> str | None:
    """What decided, of PastDecision.reasons."""
    return next((code for code in json.loads(reasons) if code != Reason.CHALLENGE_PASSED), None)


def judge_again(attempt: PastDecision, policy: DecisionPolicy) -> Change | None:
    """The attempt under that policy, as it stands for its kind of question. None: scores did not decide it."""
    score, first = attempt.comparison_score, _first_reason(attempt.reasons)
    if score is None or not is_of_the_score(attempt):
        return None
    verdict, _ = judge_score(score, policy)
    if verdict == Verdict.MATCH:
        return _matched(attempt, score, first, policy)
    if verdict != Verdict.NON_MATCH:
        return Change(attempt, verdict)
    if first == LOW_QUALITY:
        return Change(attempt, Verdict.UNCERTAIN)
    return Change(attempt, verdict, POOR_PICTURE if attempt.verdict == MATCH else "")


def _matched(attempt: PastDecision, score: float, first: str | None, policy: DecisionPolicy) -> Change:
    """The score reaches the threshold. A search asks for more than that."""
    if attempt.mode == VERIFY or attempt.verdict == MATCH:
        return Change(attempt, Verdict.MATCH)
    led = attempt.runner_up is None or score - attempt.runner_up >= policy.min_margin
    if not led or first == Reason.TEMPLATES_DISAGREE:
        return Change(attempt, Verdict.UNCERTAIN)
    return Change(attempt, Verdict.MATCH, SECOND_PICTURE)


def steps_in_words(counts: Sequence[tuple[str, str, int]]) -> list[str]:
    """ "12 from Match to Uncertain", the most frequent first."""
    labels: Mapping[str, str] = {str(value): str(label) for value, label in VerificationAttempt.Verdict.choices}
    return [
        _("{number} from {before} to {after}").format(
            number=grouped(number), before=labels[before], after=labels[after]
        )
        for before, after, number in counts
    ]
