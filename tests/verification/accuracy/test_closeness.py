"""Who is close to whom, on made-up faces with known scores."""

from __future__ import annotations

import numpy as np
import pytest
from pytest_django.asserts import assertContains, assertNotContains

from enrollment.models import Person, PersonPair
from enrollment.samples.drafts import SampleDraft
from enrollment.samples.site_scores import SiteScores
from enrollment.services import enroll_person
from recognizer.calibration import ScoreDistribution
from recognizer.types import DecisionPolicy
from tests.enrollment.conftest import QUALITY
from tests.support.consent import ON_PAPER
from verification.accuracy.calibration import calibrate_site
from verification.accuracy.closeness import find_closeness

PAGE = "/verification/calibration/"
POLICY = DecisionPolicy(match_threshold=0.4, uncertain_threshold=0.3, fmr=1e-4, population="on LFW")


def scores_with(reaching: int, *, people: int = 100, each: int = 3) -> SiteScores:
    """A gallery of so many people in which so many pairs reach 0.4."""
    pairs = people * (people - 1) // 2
    comparisons = people * (people - 1) * each
    near = np.array([0.45] * reaching + [0.2] * 50, np.float32)
    return SiteScores(people, people * each, ScoreDistribution([], []), comparisons, pairs, near)


@pytest.mark.django_db
class TestFindCloseness:
    def test_believes_the_promise_while_chance_explains_the_pairs(self):
        found = find_closeness(scores_with(5), POLICY)
        assert found.expected == pytest.approx(2.97)
        assert found.chance > 0.1
        assert found.warning == ""

    def test_warns_of_more_pairs_than_the_rate_allows(self):
        found = find_closeness(scores_with(12), POLICY)
        assert found.chance < 1e-4
        assert found.warning.startswith("12 of 4,950 pairs of people reach the threshold of 0.400.")
        assert "1 in 10,000 comparisons on LFW it would be about 3 at most" in found.warning

    def test_twins_and_one_person_enrolled_twice_prove_nothing(self):
        found = find_closeness(scores_with(2, people=3), POLICY)
        assert found.chance < 0.01
        assert found.warning == ""

    def test_nobody_is_close_where_nobody_is_enrolled(self):
        found = find_closeness(SiteScores(0, 0, ScoreDistribution([], [])), POLICY)
        assert (found.nearest, found.warning) == ((), "")


@pytest.fixture
def alike(db, engine):
    """alike(cosine, ...): for each cosine two people who resemble each other that much, and nobody else."""

    def enrol(*cosines: float) -> list[Person]:
        random = np.random.default_rng(4)
        people = []
        for pair, cosine in enumerate(cosines):
            first, other = np.linalg.qr(random.normal(size=(engine.dimension, 2)))[0].T
            second = cosine * first + np.sqrt(1 - cosine**2) * other
            for letter, vector in (("a", first), ("b", second)):
                draft = SampleDraft(
                    aligned=random.integers(0, 256, (112, 112, 3), dtype=np.uint8),
                    embedding=(vector / np.linalg.norm(vector)).astype(np.float32),
                    contract_id=engine.contract_id,
                    quality=QUALITY,
                    source="webcam",
                    pose="front",
                )
                saved = enroll_person(
                    actor=None, name=f"Person {pair}{letter}", consent=ON_PAPER, samples=[draft], despite_duplicate=True
                )
                people.append(saved.person)
        return people

    return enrol


class TestNearestPeople:
    def test_are_named_the_most_similar_first_with_what_it_means(self, alike, engine):
        people = alike(0.95, 0.6)
        nearest = calibrate_site(engine).closeness.nearest
        assert len(nearest) == 6
        assert [{pair.first, pair.second} for pair in nearest[:2]] == [set(people[:2]), set(people[2:])]
        assert nearest[0].comparison_score == pytest.approx(0.95, abs=1e-3)
        assert (nearest[0].in_search, nearest[0].in_claim, nearest[0].noted) == (True, True, False)
        assert not nearest[5].in_claim

    def test_says_who_was_noted_as_different(self, alike, engine):
        first, second = alike(0.95)
        PersonPair.objects.create(first=first, second=second)
        assert calibrate_site(engine).closeness.nearest[0].noted

    def test_stand_on_the_page_with_links(self, alike, engine, staff_client):
        first, second = alike(0.95)
        page = staff_client.get(PAGE)
        assertContains(page, f'href="{first.get_absolute_url()}"')
        assertContains(page, f'href="{second.get_absolute_url()}"')
        assertContains(page, "One may be named as the other")
        assertNotContains(page, "The promise does not hold here.")

    def test_the_page_warns_where_the_promise_is_broken(self, alike, engine, staff_client):
        alike(*[0.95] * 8)
        page = staff_client.get(PAGE)
        assertContains(page, "The promise does not hold here.")
        assertContains(page, "8 of 120 pairs of people reach")
