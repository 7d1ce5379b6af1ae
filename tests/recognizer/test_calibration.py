from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import betaincinv

from recognizer import calibration
from recognizer.calibration import (
    ScoreDistribution,
    Scores,
    accuracy_at,
    best_threshold,
    chance_of_at_least,
    chance_of_difference,
    comparisons_needed,
    cross_validate,
    false_alarms,
    rate_of,
)
from recognizer.errors import TooFewPairs

score = st.one_of(st.floats(-1, 1, width=32), st.sampled_from([-0.5, 0.0, 0.25, 0.5]))
score_list = st.lists(score, min_size=1, max_size=60)


def clopper_pearson(errors: NDArray[np.int64], trials: NDArray[np.int64]) -> tuple[Scores, Scores]:
    """The 95 % intervals (n,) and (n,) as SciPy has them: quantiles of beta distributions."""
    inside = np.where(errors > 0, errors, 1), np.where(errors < trials, trials - errors, 1)
    low = np.where(errors > 0, betaincinv(inside[0], trials - errors + 1, 0.025), 0.0)
    high = np.where(errors < trials, betaincinv(errors + 1, inside[1], 0.975), 1.0)
    return low, high


class TestRates:
    @given(mated=score_list, non_mated=score_list, thresholds=st.lists(score, min_size=2, max_size=8))
    def test_fmr_falls_and_fnmr_rises_with_the_threshold(self, mated, non_mated, thresholds):
        scores = ScoreDistribution(mated, non_mated)
        thresholds.sort()
        fmrs = [scores.fmr(t).value for t in thresholds]
        fnmrs = [scores.fnmr(t).value for t in thresholds]
        assert fmrs == sorted(fmrs, reverse=True)
        assert fnmrs == sorted(fnmrs)

    @given(mated=score_list, non_mated=score_list, threshold=score)
    def test_count_what_a_comparison_at_or_above_the_threshold_would_do(self, mated, non_mated, threshold):
        scores = ScoreDistribution(mated, non_mated)
        assert scores.fmr(threshold).errors == sum(s >= threshold for s in non_mated)
        assert scores.fnmr(threshold).errors == sum(s < threshold for s in mated)

    def test_a_score_that_equals_the_threshold_matches(self):
        scores = ScoreDistribution([0.5], [0.5])
        assert (scores.fmr(0.5).errors, scores.fnmr(0.5).errors) == (1, 0)

    def test_without_pairs_nothing_is_known(self):
        rate = ScoreDistribution([], []).fmr(0.3)
        assert math.isnan(rate.value)
        assert (rate.trials, rate.low, rate.high) == (0, 0.0, 1.0)

    def test_a_score_that_is_no_number_is_refused(self):
        with pytest.raises(ValueError, match="finite"):
            ScoreDistribution([0.5, math.nan], [])


class TestThresholdAt:
    @given(non_mated=score_list, target=st.floats(0, 1))
    def test_keeps_the_rate_asked_for(self, non_mated, target):
        scores = ScoreDistribution([], non_mated)
        assert scores.fmr(scores.threshold_at(target)).value <= target + 1e-9

    @given(non_mated=score_list, target=st.floats(0, 0.99))
    def test_is_the_lowest_that_keeps_it(self, non_mated, target):
        scores = ScoreDistribution([], non_mated)
        threshold = scores.threshold_at(target)
        assume(threshold > -1)
        assert scores.fmr(np.nextafter(threshold, -np.inf)).value > target

    @given(non_mated=score_list, targets=st.lists(st.floats(0, 1), min_size=2, max_size=5))
    def test_falls_when_more_false_matches_are_allowed(self, non_mated, targets):
        scores = ScoreDistribution([], non_mated)
        thresholds = [scores.threshold_at(target) for target in sorted(targets)]
        assert thresholds == sorted(thresholds, reverse=True)

    def test_counts_the_share_exactly_in_spite_of_rounding(self):
        scores = ScoreDistribution([], np.linspace(-0.5, 0.5, 1_000))
        assert scores.fmr(scores.threshold_at(0.003)).errors == 3

    def test_three_over_the_rate_are_enough_pairs_and_one_less_is_not(self):
        ScoreDistribution([], np.zeros(30_000)).require_pairs(1e-4)
        with pytest.raises(TooFewPairs, match=r"at least 30,000 .* there are 29,999"):
            ScoreDistribution([], np.zeros(29_999)).require_pairs(1e-4)


class TestSureThresholdAt:
    @pytest.mark.parametrize("target", [0.07, 0.1, 0.25, 0.5, 0.9])
    def test_is_the_lowest_whose_interval_stays_below_the_rate_and_no_looser_than_what_was_observed(self, target):
        random = np.random.default_rng(1)
        for trials in random.integers(60, 200, 20):
            scores = ScoreDistribution([], random.normal(size=trials).round(1))  # so coarse that many are equal
            errors = np.arange(trials)
            allowed = np.flatnonzero(clopper_pearson(errors, np.full(trials, trials))[1] <= target)[-1]
            threshold = scores.sure_threshold_at(target)
            assert threshold == np.nextafter(scores.non_mated[trials - 1 - allowed], np.inf)
            assert threshold >= scores.threshold_at(target)

    @pytest.mark.parametrize("fmr", [1e-2, 1e-3, 1e-4])
    def test_refuses_one_comparison_too_few(self, fmr):
        needed = comparisons_needed(fmr)
        assert ScoreDistribution([], np.zeros(needed)).sure_threshold_at(fmr) > 0
        with pytest.raises(TooFewPairs, match=f"at least {needed:,} .* there are {needed - 1:,}"):
            ScoreDistribution([], np.zeros(needed - 1)).sure_threshold_at(fmr)


class TestErrorsAt:
    @given(mated=score_list, non_mated=score_list, threshold=score)
    def test_are_what_the_rates_count(self, mated, non_mated, threshold):
        scores = ScoreDistribution(mated, non_mated)
        assert scores.errors_at(threshold) == (scores.fmr(threshold).errors, scores.fnmr(threshold).errors)


class TestHistogram:
    @given(mated=score_list, non_mated=score_list, bins=st.integers(1, 60))
    def test_counts_every_score_once(self, mated, non_mated, bins):
        histogram = ScoreDistribution(mated, non_mated).histogram(bins)
        assert (histogram.mated.sum(), histogram.non_mated.sum()) == (len(mated), len(non_mated))
        assert len(histogram.edges) == bins + 1

    def test_of_nothing_is_refused(self):
        with pytest.raises(TooFewPairs):
            ScoreDistribution([], []).histogram()


class TestFalseAlarms:
    @given(fmr=st.floats(1e-6, 0.1), people=st.integers(0, 10_000))
    def test_grow_with_people_and_never_exceed_the_strangers(self, fmr, people):
        assert 0 <= false_alarms(fmr, people) <= false_alarms(fmr, people + 1) <= 1_000

    def test_are_1000_times_the_chance_that_one_of_all_comparisons_errs(self):
        assert false_alarms(1e-3, 500) == pytest.approx(1_000 * (1 - (1 - 1e-3) ** 500))
        assert false_alarms(1e-4, 1) == pytest.approx(0.1)
        assert false_alarms(1e-3, 0) == 0


class TestConfidenceInterval:
    def test_is_the_one_of_clopper_and_pearson(self):
        random = np.random.default_rng(2)
        sizes = np.concatenate([np.arange(1, 31), np.geomspace(31, 1e7, 30).astype(np.int64)])
        cases = [(k, n) for n in sizes for k in {0, 1, n // 2, n - 1, n, *random.integers(0, n + 1, 2)}]
        errors, trials = np.array(cases).T
        found = [rate_of(int(k), int(n)) for k, n in cases]
        low, high = clopper_pearson(errors, trials)
        assert [rate.low for rate in found] == pytest.approx(low, rel=1e-8)
        assert [rate.high for rate in found] == pytest.approx(high, rel=1e-8)
        assert all(0 <= rate.low <= rate.value <= rate.high <= 1 for rate in found)

    @pytest.mark.parametrize("true_rate", [0.01, 0.2, 0.5, 0.93])
    def test_covers_the_true_rate_at_least_as_often_as_it_says(self, true_rate):
        trials = 40
        covered = sum(
            math.comb(trials, k) * true_rate**k * (1 - true_rate) ** (trials - k)
            for k in range(trials + 1)
            if (rate := rate_of(k, trials)).low <= true_rate <= rate.high
        )
        assert covered >= 0.95

    def test_known_values(self):
        """R: binom.test(0, 3000), binom.test(10, 100)."""
        assert rate_of(0, 3_000).high == pytest.approx(0.0012289, rel=1e-3)
        assert (rate_of(10, 100).low, rate_of(10, 100).high) == pytest.approx((0.0490047, 0.1762226), abs=1e-6)

    def test_of_millions_of_trials_is_narrow_and_finite(self):
        rate = rate_of(3_000, 30_000_000)
        assert rate.low == pytest.approx(1e-4 - 1.96 * math.sqrt(1e-4 / 3e7), rel=0.01)
        assert rate.high == pytest.approx(1e-4 + 1.96 * math.sqrt(1e-4 / 3e7), rel=0.01)

    @given(errors=st.integers(0, 50), trials=st.integers(50, 5_000))
    def test_narrows_with_more_trials_of_the_same_rate(self, errors, trials):
        few, many = rate_of(errors, trials), rate_of(errors * 4, trials * 4)
        assert many.high - many.low < few.high - few.low


class TestDetCurve:
    @given(mated=score_list, non_mated=score_list)
    def test_is_monotone_and_agrees_with_the_rates(self, mated, non_mated):
        scores = ScoreDistribution(mated, non_mated)
        curve = scores.det_curve(points=20)
        assert [p.threshold for p in curve] == sorted({p.threshold for p in curve})
        assert all(a.fmr >= b.fmr and a.fnmr <= b.fnmr for a, b in itertools.pairwise(curve))
        assert all(p.fmr == scores.fmr(p.threshold).value for p in curve)
        assert len(curve) <= 20

    def test_is_drawn_without_intervals_which_would_take_seconds_on_a_site_of_some_hundred_people(self, monkeypatch):
        scores = ScoreDistribution(np.linspace(0.3, 0.9, 50), np.linspace(-0.5, 0.4, 500))
        expected = [
            (scores.fmr(point.threshold).value, scores.fnmr(point.threshold).value) for point in scores.det_curve(20)
        ]
        monkeypatch.setattr(calibration, "rate_of", None)
        assert [(point.fmr, point.fnmr) for point in scores.det_curve(20)] == expected

    def test_shows_every_step_of_the_smallest_rates(self):
        curve = ScoreDistribution(np.linspace(0.3, 0.9, 500), np.linspace(-0.5, 0.4, 5_000)).det_curve()
        assert {round(point.fmr * 5_000) for point in curve} >= {1, 2, 3, 4, 5}


class TestEqualErrorRate:
    def test_of_separable_scores_is_zero(self):
        point = ScoreDistribution([0.6, 0.7], [0.1, 0.2]).equal_error_rate()
        assert (point.fmr, point.fnmr, point.threshold) == (0.0, 0.0, 0.6)

    def test_of_overlapping_scores_balances_both_errors(self):
        rng = np.random.default_rng(1)
        point = ScoreDistribution(rng.normal(0.5, 0.1, 4_000), rng.normal(0.3, 0.1, 4_000)).equal_error_rate()
        assert point.fmr == pytest.approx(point.fnmr, abs=1e-3)
        assert point.fmr == pytest.approx(0.1587, abs=0.02)  # one standard deviation from both means

    def test_needs_both_kinds(self):
        with pytest.raises(TooFewPairs):
            ScoreDistribution([0.5], []).equal_error_rate()


class TestAccuracy:
    @given(pairs=st.lists(st.tuples(score, st.booleans()), min_size=1, max_size=40), threshold=score)
    def test_no_threshold_beats_the_best_one(self, pairs, threshold):
        scores, same = zip(*pairs, strict=True)
        best = accuracy_at(scores, same, best_threshold(scores, same))
        assert best >= accuracy_at(scores, same, threshold)

    def test_best_threshold_lies_halfway_between_the_two_kinds(self):
        assert best_threshold([0.2, 0.6, 0.1, 0.8], [False, True, False, True]) == pytest.approx(0.4)

    def test_folds_are_judged_by_the_others(self):
        """The second fold alone would choose 0.55; judged at the first one's 0.3 it gets one of two pairs wrong."""
        result = cross_validate([0.2, 0.4, 0.5, 0.6], [False, True, False, True], [0, 0, 1, 1])
        assert result.thresholds == pytest.approx((0.55, 0.3))
        assert result.mean == pytest.approx((0.5 + 0.5) / 2)
        assert result.standard_error == pytest.approx(0.0)

    def test_one_fold_is_too_few(self):
        with pytest.raises(TooFewPairs):
            cross_validate([0.1, 0.5], [False, True], [3, 3])

    def test_no_pairs_are_too_few(self):
        with pytest.raises(TooFewPairs):
            best_threshold([], [])


class TestChanceOfAtLeast:
    @pytest.mark.parametrize(
        ("errors", "trials", "rate"), [(1, 10, 0.05), (5, 4_950, 6e-4), (12, 4_950, 6e-4), (3, 3, 0.5)]
    )
    def test_is_the_tail_of_the_binomial_distribution(self, errors, trials, rate):
        by_hand = 1 - sum(math.comb(trials, n) * rate**n * (1 - rate) ** (trials - n) for n in range(errors))
        assert chance_of_at_least(errors, trials, rate) == pytest.approx(by_hand, rel=1e-6, abs=1e-12)

    def test_nothing_is_certain_to_be_reached_and_the_impossible_never(self):
        assert chance_of_at_least(0, 10, 0.1) == 1
        assert chance_of_at_least(1, 10, 1.5) == 1
        assert chance_of_at_least(1, 0, 0.1) == 0


class TestChanceOfDifference:
    def test_agrees_with_scipy(self):
        stats = pytest.importorskip("scipy.stats")
        random = np.random.default_rng(5)
        first, second = random.normal(0, 1, 40).round(1), random.normal(0.5, 1, 60).round(1)
        expected = stats.mannwhitneyu(first, second, use_continuity=False, method="asymptotic").pvalue
        assert chance_of_difference(first, second) == pytest.approx(expected)

    def test_equal_values_say_nothing(self):
        assert chance_of_difference([1.0] * 30, [1.0] * 30) == 1
