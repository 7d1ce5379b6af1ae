from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognizer.calibration import ScoreDistribution
from recognizer.errors import TooFewPairs
from verification.accuracy.thresholds import RATES, derive_thresholds


def strangers(count: int, seed: int = 0) -> ScoreDistribution:
    return ScoreDistribution([], np.random.default_rng(seed).normal(0.05, 0.1, count).clip(-1, 1))


class TestDeriveThresholds:
    @given(count=st.integers(3_000, 40_000), seed=st.integers(0, 50))
    def test_keep_the_measured_rates_and_grow_stricter(self, count, seed):
        scores = strangers(count, seed)
        derived = derive_thresholds(scores)
        values = [derived.match[rate] for rate in RATES]
        assert values == sorted(values)
        assert all(scores.fmr(derived.match[rate]).value <= rate for rate in derived.measured)

    def test_measure_only_what_there_are_enough_comparisons_for(self):
        derived = derive_thresholds(strangers(30_000))
        assert (derived.measured, derived.extended) == ((1e-2, 1e-3, 1e-4), (1e-5,))
        assert 0.3 < derived.match[1e-3] < derived.match[1e-4] < derived.match[1e-5] < 0.65

    def test_too_few_comparisons_are_refused(self):
        with pytest.raises(TooFewPairs, match="at least 3,000"):
            derive_thresholds(strangers(2_999))

    def test_say_where_they_come_from(self):
        source = derive_thresholds(strangers(3_000)).source("pairs.csv", date(2026, 11, 23))
        assert source == (
            "3,000 comparisons of different people of pairs.csv on 2026-11-23: 0.01, 0.001 measured; "
            "0.0001, 1e-05 on the line through them (too few comparisons to measure more)"
        )
