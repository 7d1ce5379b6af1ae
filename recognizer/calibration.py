"""What comparison scores say about thresholds: FMR, FNMR, their confidence bounds, DET curve, accuracy.

Words follow ISO/IEC 19795-1: mated scores compare two samples of one person, non_mated ones of two people. A
comparison matches when its score is at or above the threshold (inclusive), everywhere in the product.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recognizer.errors import TooFewPairs

Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rate:
    """An observed error rate with its 95 % confidence interval."""

    errors: int
    trials: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """errors / trials; NaN without trials."""
        return _share(self.errors, self.trials)


@dataclass(frozen=True, slots=True)
class DetPoint:
    """Both error rates, from 0 to 1, where scores of `threshold` and more count as a match."""

    threshold: float
    fmr: float
    fnmr: float


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """How many scores lie in each of n equally wide bins, the last one closed on both sides."""

    edges: Scores
    """(n + 1,) float64, ascending."""
    mated: NDArray[np.int64]
    """(n,) int64: mated scores in each bin."""
    non_mated: NDArray[np.int64]
    """(n,) int64: non-mated scores in each bin."""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Accuracy over folds: each fold is judged at the threshold that was best on all the others."""

    mean: float
    """Share of the pairs answered rightly, 0..1."""
    standard_error: float
    """Standard deviation over the folds / sqrt(folds), as the LFW tables give it."""
    thresholds: tuple[float, ...]
    """The threshold that each fold was judged at."""


class ScoreDistribution:
    """Mated and non-mated comparison scores of one set of pairs: float64 arrays (n,) and (m,), ascending. Immutable."""

    def __init__(self, mated: ArrayLike, non_mated: ArrayLike) -> None:
        """mated: (n,), non_mated: (m,), in any order. Raises ValueError when a score is not a finite number."""
        self.mated = _sorted_scores(mated)
        self.non_mated = _sorted_scores(non_mated)

    def fmr(self, threshold: float) -> Rate:
        """False-match rate: the share of non-mated scores at or above the threshold."""
        return rate_of(self.errors_at(threshold)[0], len(self.non_mated))

    def fnmr(self, threshold: float) -> Rate:
        """False-non-match rate: the share of mated scores below the threshold."""
        return rate_of(self.errors_at(threshold)[1], len(self.mated))

    def errors_at(self, threshold: float) -> tuple[int, int]:
        """(false matches, false non-matches) at this threshold: what the two rates count, without their intervals."""
        below = int(np.searchsorted(self.non_mated, threshold, side="left"))
        return len(self.non_mated) - below, int(np.searchsorted(self.mated, threshold, side="left"))

    def threshold_at(self, fmr: float) -> float:
        """The smallest threshold whose observed FMR is at most `fmr`; just above the highest score that must not match.

        Without non-mated scores it is -1, the lowest cosine. `require_pairs` says whether there are enough scores for
        the answer to mean something.
        """
        allowed = math.floor(fmr * len(self.non_mated) + 1e-9)
        if allowed >= len(self.non_mated):
            return -1.0
        return float(np.nextafter(self.non_mated[len(self.non_mated) - 1 - allowed], np.inf))

    def require_pairs(self, fmr: float) -> None:
        """Raises TooFewPairs when no threshold of these scores can stand for `fmr`.

        The "rule of three": after n trials without an error the rate is below 3 / n with 95 % confidence.
        """
        needed = math.ceil(3 / fmr - 1e-9)
        if len(self.non_mated) < needed:
            raise TooFewPairs(
                f"A false-match rate of {fmr:g} needs at least {needed:,} comparisons of different people to be "
                f"measured; there are {len(self.non_mated):,}."
            )

    def sure_threshold_at(self, fmr: float) -> float:
        """The smallest threshold whose FMR is at most `fmr` with 97.5 % confidence.

        That is: the upper end of the FMR's 95 % interval is at most `fmr`. Stricter than threshold_at(), which only
        says what these very scores did. Raises TooFewPairs when no threshold is sure enough.
        """
        trials = len(self.non_mated)
        if rate_of(0, trials).high > fmr:
            raise TooFewPairs(
                f"A false-match rate of {fmr:g} needs at least {comparisons_needed(fmr):,} comparisons of different "
                f"people to be sure of; there are {trials:,}."
            )
        allowed, too_many = 0, math.floor(fmr * trials) + 1  # with so many the observed rate alone is above fmr
        while too_many - allowed > 1:
            middle = (allowed + too_many) // 2
            if rate_of(middle, trials).high <= fmr:
                allowed = middle
            else:
                too_many = middle
        return float(np.nextafter(self.non_mated[trials - 1 - allowed], np.inf))

    def histogram(self, bins: int = 50) -> Histogram:
        """From the lowest score to the highest, both rounded outwards to 0.01. Raises TooFewPairs without scores."""
        every = np.concatenate([self.mated, self.non_mated])
        if not len(every):
            raise TooFewPairs("There are no comparison scores to draw.")
        low, high = math.floor(every.min() * 100) / 100, math.ceil(every.max() * 100) / 100
        edges = np.linspace(low, max(high, low + 0.01), bins + 1)
        return Histogram(edges, np.histogram(self.mated, edges)[0], np.histogram(self.non_mated, edges)[0])

    def det_curve(self, points: int = 200) -> list[DetPoint]:
        """At most `points` points, by growing threshold: FMR falls, FNMR rises. Dense where either rate is small."""
        thresholds = np.unique(
            np.concatenate([_tail(self.mated, points // 2), _tail(-self.non_mated[::-1], points // 2) * -1])
        )
        return [self._det_point(float(threshold)) for threshold in thresholds]

    def _det_point(self, threshold: float) -> DetPoint:
        """Without the rates' intervals, which take a hundred times as long."""
        matches, misses = self.errors_at(threshold)
        return DetPoint(threshold, _share(matches, len(self.non_mated)), _share(misses, len(self.mated)))

    def equal_error_rate(self) -> DetPoint:
        """The threshold where FMR and FNMR are closest. Raises TooFewPairs without scores of both kinds."""
        if not len(self.mated) or not len(self.non_mated):
            raise TooFewPairs("An equal error rate needs comparisons of equal and of different people.")
        thresholds = np.unique(np.concatenate([self.mated, self.non_mated]))
        fmr = 1 - np.searchsorted(self.non_mated, thresholds, side="left") / len(self.non_mated)
        fnmr = np.searchsorted(self.mated, thresholds, side="left") / len(self.mated)
        best = int(np.argmin(np.abs(fmr - fnmr)))
        return DetPoint(float(thresholds[best]), float(fmr[best]), float(fnmr[best]))


def best_threshold(scores: ArrayLike, same: ArrayLike) -> float:
    """The threshold with the most right answers: halfway between two scores, and the lowest of equally good ones.

    scores: (n,); same: (n,) bool, whether both samples show one person. Raises TooFewPairs for no pairs.
    """
    values, mated = np.asarray(scores, dtype=np.float64), np.asarray(same, dtype=np.bool_)
    if not len(values):
        raise TooFewPairs("A best threshold needs at least one pair.")
    order = np.argsort(values)
    values, mated = values[order], mated[order]
    # right[i]: right answers when exactly the scores from i on match.
    right = np.concatenate([[0], np.cumsum(~mated)]) + np.concatenate([np.cumsum(mated[::-1])[::-1], [0]])
    cut = np.concatenate([[True], values[1:] > values[:-1], [True]])  # equal scores cannot be told apart
    first = int(np.argmax(np.where(cut, right, -1)))
    if first == 0:
        return float(values[0])
    if first == len(values):
        return float(np.nextafter(values[-1], np.inf))
    # Rounding must not put the middle of two neighbouring floats onto the lower one.
    return float(max((values[first - 1] + values[first]) / 2, np.nextafter(values[first - 1], np.inf)))


def accuracy_at(scores: ArrayLike, same: ArrayLike, threshold: float) -> float:
    """Share of pairs answered rightly, 0..1; NaN for no pairs. scores: (n,); same: (n,) bool, as in best_threshold."""
    values, mated = np.asarray(scores, dtype=np.float64), np.asarray(same, dtype=np.bool_)
    return float(np.mean((values >= threshold) == mated)) if len(values) else math.nan


def cross_validate(scores: ArrayLike, same: ArrayLike, folds: Sequence[int] | NDArray[np.int64]) -> Accuracy:
    """Accuracy as in the LFW protocol (Huang et al. 2007, "image restricted").

    Each fold is judged at the threshold that was best on all the others. scores: (n,); same: (n,) bool; folds: (n,),
    the number of each pair's fold. Raises TooFewPairs for fewer than two folds.
    """
    values, mated, fold = np.asarray(scores, dtype=np.float64), np.asarray(same, dtype=np.bool_), np.asarray(folds)
    names = np.unique(fold)
    if len(names) < 2:
        raise TooFewPairs("Cross-validation needs pairs in at least two folds.")
    thresholds = [best_threshold(values[fold != name], mated[fold != name]) for name in names]
    rights = [
        accuracy_at(values[fold == name], mated[fold == name], threshold)
        for name, threshold in zip(names, thresholds, strict=True)
    ]
    spread = float(np.std(rights)) / math.sqrt(len(rights))
    return Accuracy(mean=float(np.mean(rights)), standard_error=spread, thresholds=tuple(thresholds))


@functools.lru_cache(maxsize=4_096)  # with millions of trials a bound takes milliseconds, and pages ask again
def rate_of(errors: int, trials: int, confidence: float = 0.95) -> Rate:
    """`errors` out of `trials` with the exact interval of Clopper and Pearson (1934). Without trials it is 0..1.

    The bounds are quantiles of beta distributions. They are found by bisection, so that SciPy is not needed.
    """
    tail = (1 - confidence) / 2
    low = _beta_quantile(tail, errors, trials - errors + 1) if errors else 0.0
    high = _beta_quantile(1 - tail, errors + 1, trials - errors) if errors < trials else 1.0
    return Rate(errors=errors, trials=trials, low=low, high=high)


def chance_of_at_least(errors: int, trials: int, rate: float) -> float:
    """How likely so many errors or more are where each trial has the chance `rate`: the exact binomial test, one-sided.

    0..1.
    """
    if errors <= 0 or rate >= 1:
        return 1.0
    if errors > trials or rate <= 0:
        return 0.0
    return _incomplete_beta(rate, errors, trials - errors + 1)


def chance_of_difference(first: ArrayLike, second: ArrayLike) -> float:
    """How likely the two samples lie apart as much as they do if they are of one kind: rank-sum test, two-sided.

    Mann and Whitney (1947) with the normal approximation and its correction for ties; for 20 values or more each. It
    goes by ranks, so that a few wild values count no more than others.
    """
    one, other = np.asarray(first, np.float64), np.asarray(second, np.float64)
    n, m = len(one), len(other)
    _, place, counts = np.unique(np.concatenate([one, other]), return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    away = float(ranks[:n].sum()) - n * (n + m + 1) / 2
    spread = n * m / 12 * (n + m + 1 - float((counts**3 - counts).sum()) / ((n + m) * (n + m - 1)))
    return math.erfc(abs(away) / math.sqrt(2 * spread)) if spread > 0 else 1.0


def comparisons_needed(fmr: float) -> int:
    """How many comparisons without an error show that the rate is at most `fmr`, with the confidence of rate_of()."""
    return math.ceil(math.log(0.025) / math.log1p(-fmr))


def false_alarms(fmr: float, people: int, strangers: int = 1_000) -> float:
    """How many of `strangers` unknown people a 1:N search is expected to name: strangers * (1 - (1 - fmr) ** people).

    Every enrolled person is one more comparison, and the comparisons are taken as independent. This is an estimate:
    several templates per person raise the number, because the best of them counts; the margin to the runner-up and the
    second template lower it.
    """
    return -strangers * math.expm1(people * math.log1p(-fmr)) if fmr < 1 else float(strangers if people else 0)


def _share(errors: int, trials: int) -> float:
    return errors / trials if trials else math.nan


def _beta_quantile(probability: float, a: float, b: float) -> float:
    low, high = 0.0, 1.0
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        if _incomplete_beta(middle, a, b) < probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """Regularised I_x(a, b) for 0 < x < 1: continued fraction of Numerical Recipes (3rd ed., 6.4), Lentz's method."""
    if x > (a + 1) / (a + b + 2):  # the fraction converges quickly on the other side
        return 1 - _incomplete_beta(1 - x, b, a)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    tiny = 1e-300
    c, d = 1.0, 1 / _away_from_zero(1 - (a + b) * x / (a + 1), tiny)
    fraction = d
    for m in range(1, 100_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        before = fraction
        for step in (even, odd):
            d = 1 / _away_from_zero(1 + step * d, tiny)
            c = _away_from_zero(1 + step / c, tiny)
            fraction *= c * d
        if abs(fraction - before) <= 1e-15 * abs(fraction):
            break
    return front * fraction / a


def _away_from_zero(value: float, tiny: float) -> float:
    return value if abs(value) > tiny else tiny


def _tail(ascending: Scores, points: int) -> Scores:
    """Up to `points` of the scores, at ranks evenly spaced in their logarithm: many low ones, few high ones."""
    if not len(ascending):
        return ascending
    ranks = np.unique(np.rint(np.geomspace(1, len(ascending), points)).astype(np.int64)) - 1
    return ascending[ranks]


def _sorted_scores(scores: ArrayLike) -> Scores:
    values = np.sort(np.asarray(scores, dtype=np.float64).ravel())
    if not np.isfinite(values).all():
        raise ValueError("Comparison scores must be finite numbers.")
    values.flags.writeable = False
    return values
