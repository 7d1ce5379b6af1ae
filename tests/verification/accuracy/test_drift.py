"""Whether the last week differs from the four weeks before."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.utils import timezone

from verification.accuracy.drift import find_drifts
from verification.accuracy.history import PastAttempt

NOW = timezone.now()


def weeks(name: str, recent: float, before: float, *, number: int = 100, **values) -> list[PastAttempt]:
    """Attempts whose `name` scatters around `recent` in the last week and around `before` in the four before."""
    random = np.random.default_rng(1)
    defaults: dict[str, Any] = {
        "mode": "identify",
        "source": "live",
        "verdict": "match",
        "comparison_score": 0.6,
        "match_threshold": 0.4,
        "quality_score": 0.7,
    }
    rows: list[PastAttempt] = []
    for middle, youngest, oldest in ((recent, 0.1, 6.9), (before, 7.1, 34.9)):
        for age in random.uniform(youngest, oldest, number):
            own = {name: float(middle + random.normal(0, 0.08)), "created_at": NOW - timedelta(days=float(age))}
            rows.append(PastAttempt(pk=len(rows), **(defaults | values | own)))
    return rows


STRANGER: dict[str, Any] = {"verdict": "non_match"}


class TestFindDrifts:
    @pytest.mark.parametrize(
        ("attempts", "words"),
        [
            (weeks("quality_score", 0.55, 0.7), "Pictures have become worse: quality 0.5"),
            (weeks("comparison_score", 0.5, 0.6), "People who are recognised score lower"),
            (weeks("comparison_score", 0.25, 0.18, **STRANGER), "Strangers resemble the people enrolled more"),
        ],
    )
    def test_says_what_became_worse_and_what_to_look_at(self, attempts, words):
        [sentence] = find_drifts(attempts, NOW)
        assert sentence.startswith(words)
        assert "(100 attempts)" in sentence
        assert "camera" in sentence

    @pytest.mark.parametrize(
        "attempts",
        [
            weeks("quality_score", 0.7, 0.7),
            weeks("quality_score", 0.8, 0.6),
            weeks("comparison_score", 0.7, 0.5),
            weeks("comparison_score", 0.1, 0.2, **STRANGER),
            weeks("quality_score", 0.68, 0.7, number=3_000),
            weeks("quality_score", 0.5, 0.7, number=20),
            weeks("quality_score", 0.5, 0.7, source="photo"),
        ],
        ids=["the same", "better", "surer", "stranger", "hardly worse", "too few", "other pictures"],
    )
    def test_is_silent_otherwise(self, attempts):
        assert find_drifts(attempts, NOW) == []

    def test_a_few_wild_values_are_no_change(self):
        attempts = weeks("quality_score", 0.7, 0.7)
        wild = weeks("quality_score", 0.0, 0.7, number=10)[:10]
        assert find_drifts([*attempts, *wild], NOW) == []
