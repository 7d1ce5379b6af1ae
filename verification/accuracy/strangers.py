"""The live error budget: how many of 1,000 strangers a search names, from the scores that real strangers had here.

Strangers whom a search cleared are in the history with the score of the person whom they resembled most. Those who
came close to the threshold are not among them (they became uncertain, or were named), so the estimate goes on from the
scores that are there: the best of N independent comparisons is distributed as Phi((s - mean) / deviation) ** N, cut off
where answers become uncertain. Mean and deviation are those that make the highest fifth of the scores most likely.
docs/accuracy.md says how near that came to the truth.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recognizer.calibration import Rate, rate_of
from verification.accuracy.history import PastAttempt

STRANGERS_NEEDED = 200
"""Fewest for an estimate."""
RESAMPLES = 200
"""Times that the days are drawn again, for the interval."""
BINS = 40
TAIL_FROM = 0.8
"""Share of the scores that only count as low. Fitted above the median, the intervals held the truth less often."""
MEANS = np.linspace(-0.15, 0.25, 41)
"""Cosines that are tried as the mean of comparisons of different people."""
DEVIATIONS = np.geomspace(0.03, 0.25, 56)
"""Likewise for their standard deviation."""
_Z = np.linspace(-9.0, 9.0, 7201)
_LOG_PHI = np.log(np.maximum([0.5 * math.erfc(-z / math.sqrt(2)) for z in _Z], 1e-300))


@dataclass(frozen=True, slots=True)
class ErrorBudget:
    """False alarms per 1,000 strangers, at this site's cameras."""

    strangers: int
    """Searches that cleared somebody who is not enrolled, as far as is known."""
    per_1000: float | None
    """Estimated from their scores; None: they are fewer than STRANGERS_NEEDED."""
    low: float
    high: float
    """The 95 % interval of per_1000."""
    reported: Rate
    """Strangers who were named and reported ("Not this person"), out of all strangers that are known."""

    def exceeds(self, expected: float) -> bool:
        """Whether this site is surely worse than so many false alarms per 1,000."""
        return (self.per_1000 is not None and self.low > expected) or 1_000 * self.reported.low > expected


def measure_budget(
    attempts: Sequence[PastAttempt],
    *,
    wrong: set[int],
    known: set[int],
    gap: float,
    threshold: float,
    people: int,
) -> ErrorBudget:
    """What strangers' scores say about a search among that many people at that threshold (a cosine).

    wrong: attempts that named a stranger, as operators reported; known: attempts whose face turned out to be somebody
    enrolled (primary keys). gap: how far below its threshold an answer begins to be uncertain.
    """
    seen = [one for one in attempts if one.from_camera]
    strangers = [one for one in seen if one.is_stranger and one.pk not in known]
    named = sum(one.pk in wrong and one.mode == "identify" for one in seen)
    reported = rate_of(named, named + len(strangers))
    if len(strangers) < STRANGERS_NEEDED or not people:
        return ErrorBudget(len(strangers), None, 0.0, 1_000.0, reported)
    scores = np.array([one.comparison_score for one in strangers], np.float64)
    # The strictest cut-off of them all holds for each: above it, some of them could not have been cleared.
    limit = min(one.match_threshold for one in strangers) - gap
    days = np.unique([one.created_at.date().toordinal() for one in strangers], return_inverse=True)[1]
    low, middle, high = estimate_alarms(scores, days, limit=limit, threshold=threshold, people=people)
    return ErrorBudget(len(strangers), 1_000 * middle, 1_000 * low, 1_000 * high, reported)


def estimate_alarms(
    scores: NDArray[np.float64], days: NDArray[np.int64], *, limit: float, threshold: float, people: int
) -> tuple[float, float, float]:
    """(low, estimate, high): the share of strangers, 0..1, whose best score reaches the threshold, and its interval.

    scores: (n,) best scores, days: (n,) their days, numbered from 0. Scores at or above `limit` are left out. The
    interval is a bootstrap over days, as one stranger may come several times a day; over scores where days are few.
    """
    kept = scores < limit
    scores, days = scores[kept], days[kept]
    edges = np.linspace(float(np.quantile(scores, TAIL_FROM)), limit, BINS + 1)
    place = np.searchsorted(edges, scores, side="right")  # 0: below the tail
    groups = days if len(np.unique(days)) >= 10 else np.arange(len(scores))
    counts = np.zeros((int(groups.max()) + 1, BINS + 1))
    np.add.at(counts, (groups, np.minimum(place, BINS)), 1)
    random = np.random.default_rng(0)  # the same page twice shows the same interval
    drawn = random.multinomial(len(counts), np.full(len(counts), 1 / len(counts)), RESAMPLES)
    samples = np.concatenate([counts.sum(axis=0)[None], drawn @ counts])
    shares = _beyond(samples, edges, threshold, people)
    low, high = np.percentile(shares[1:], [2.5, 97.5])
    return float(low), float(shares[0]), float(high)


def _beyond(
    samples: NDArray[np.float64], edges: NDArray[np.float64], threshold: float, people: int
) -> NDArray[np.float64]:
    """(b,) the share above the threshold, for each of (b, bins + 1) counts, by the most likely mean and deviation."""
    mean, deviation = (grid.ravel() for grid in np.meshgrid(MEANS, DEVIATIONS, indexing="ij"))
    logs = people * np.interp((edges[:, None] - mean) / deviation, _Z, _LOG_PHI)
    steps = logs[1:] + np.log(-np.expm1(np.minimum(logs[:-1] - logs[1:], -1e-12)))
    likely = np.concatenate([logs[:1], steps]) - logs[-1]
    best = (samples @ likely).argmax(axis=1)
    at = (threshold - mean[best]) / deviation[best]
    return np.asarray(-np.expm1(people * np.interp(at, _Z, _LOG_PHI)), np.float64)
