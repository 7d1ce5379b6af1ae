"""False alarms from the scores of strangers, whose true number is known here."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.utils import timezone
from pytest_django.asserts import assertContains

from tests.verification.rows import make_attempt, make_person
from verification.accuracy.history import PastAttempt
from verification.accuracy.strangers import estimate_alarms, measure_budget
from verification.accuracy.watching import watch
from verification.models import FalseMatch, InboxAction, UnknownFace
from verification.policy import current_policy

LIMIT, THRESHOLD, PEOPLE = 0.337, 0.412, 20
MEAN, DEVIATION = 0.02, 0.105


def true_share(deviation: float = DEVIATION) -> float:
    """Of strangers who would be named: the best of PEOPLE normal scores reaches THRESHOLD."""
    one = 0.5 * math.erfc((THRESHOLD - MEAN) / deviation / math.sqrt(2))
    return 1 - (1 - one) ** PEOPLE


def best_scores(number: int, *, seed: int = 0, deviation: float = DEVIATION) -> np.ndarray:
    return np.random.default_rng(seed).normal(MEAN, deviation, (number, PEOPLE)).max(axis=1)


def cleared(scores, **values) -> list[PastAttempt]:
    """Strangers with these scores, over 30 days, of whom a search cleared those below LIMIT."""
    defaults: dict[str, Any] = {
        "mode": "identify",
        "source": "live",
        "verdict": "non_match",
        "match_threshold": THRESHOLD,
        "quality_score": 0.7,
    }
    now = timezone.now()
    return [
        PastAttempt(
            pk=number,
            created_at=now - timedelta(days=number % 30),
            comparison_score=float(score),
            **(defaults | values),
        )
        for number, score in enumerate(scores)
        if score < LIMIT
    ]


def budget_of(attempts, *, wrong=frozenset(), known=frozenset()):
    return measure_budget(
        attempts, wrong=set(wrong), known=set(known), gap=THRESHOLD - LIMIT, threshold=THRESHOLD, people=PEOPLE
    )


class TestEstimateAlarms:
    @pytest.mark.parametrize("number", [300, 3_000])
    def test_finds_the_true_share_from_those_who_were_cleared(self, number):
        inside = 0
        for seed in range(20):
            scores = best_scores(number, seed=seed)
            low, estimate, high = estimate_alarms(
                scores, np.arange(number) % 30, limit=LIMIT, threshold=THRESHOLD, people=PEOPLE
            )
            assert low <= estimate <= high
            inside += low <= true_share() <= high
        assert inside >= 16

    def test_more_strangers_make_it_surer(self):
        def width(number: int) -> float:
            days = np.arange(number) % 30
            low, _, high = estimate_alarms(best_scores(number), days, limit=LIMIT, threshold=THRESHOLD, people=PEOPLE)
            return high / low

        assert width(5_000) < width(300)


class TestMeasureBudget:
    def test_too_few_strangers_give_no_estimate(self):
        found = budget_of(cleared(best_scores(50)))
        assert found.per_1000 is None
        assert not found.exceeds(0.001)

    def test_counts_nobody_but_strangers_at_cameras(self):
        attempts = cleared(best_scores(300))
        others = [
            *cleared(best_scores(300), source="photo"),
            *cleared(best_scores(300), mode="verify"),
            *cleared(best_scores(300), verdict="uncertain"),
        ]
        assert budget_of([*attempts, *others]).strangers == len(attempts)
        assert budget_of(attempts, known={attempts[0].pk, attempts[1].pk}).strangers == len(attempts) - 2

    def test_a_site_where_strangers_resemble_people_more_is_told_so(self):
        usual, alike = (budget_of(cleared(best_scores(4_000, deviation=width))) for width in (DEVIATION, 0.13))
        promised = 1_000 * true_share()
        assert not usual.exceeds(1.5 * promised)
        assert alike.exceeds(1.5 * promised)
        assert alike.low <= 1_000 * true_share(0.13) <= 2 * alike.high

    def test_reported_wrong_matches_count_by_themselves(self):
        attempts = cleared(best_scores(300))
        named = cleared([0.1] * 8, verdict="match")
        named = [one._replace(pk=10_000 + one.pk) for one in named]
        found = budget_of([*attempts, *named], wrong={one.pk for one in named})
        assert (found.reported.errors, found.reported.trials) == (8, 8 + len(attempts))
        assert found.exceeds(2.0)


@pytest.mark.django_db
class TestWatch:
    def test_reads_reports_and_the_inbox(self, engine, staff):
        ada = make_person("Ada")
        about = {"contract_id": engine.contract_id, "reasons": ["below_threshold"]}
        attempts = [make_attempt(verdict="non_match", comparison_score=0.1, **about) for _ in range(3)]
        wrong = make_attempt(comparison_score=0.9, matched_person=ada, **(about | {"reasons": []}))
        FalseMatch.objects.create(attempt=wrong, person=ada, created_by=staff)
        assigned = InboxAction.objects.create(kind="assign", person=ada, face_count=1, actor=staff)
        UnknownFace.objects.create(
            attempt=attempts[0],
            handled_by=assigned,
            quality={},
            quality_score=0.5,
            contract_id="x",
            embedding=b"",
            crop=b"",
        )
        found = watch(engine, current_policy(engine), 10)
        assert found.budget.strangers == 2
        assert (found.budget.reported.errors, found.budget.reported.trials) == (1, 3)

    def test_the_page_says_what_it_takes_and_what_was_promised(self, engine, staff_client):
        page = staff_client.get("/verification/calibration/")
        assertContains(page, "False alarms at this site")
        assertContains(page, "Not yet: it takes 200 such searches.")
