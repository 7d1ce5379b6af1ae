from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from enrollment.models import FaceSample
from enrollment.samples import site_scores as module
from enrollment.samples.site_scores import leave_one_out, site_scores
from enrollment.services import enroll_person, set_active
from tests.enrollment.conftest import CONTRACT, DIMENSION, unit_vector
from tests.support.consent import ON_PAPER
from tests.support.floats import approx_cosine

_SEEDS = [10 * number + n for number in range(3) for n in range(3)]
"""Of the samples that the fixture `people` enrols."""


def _sample_keys(people):
    """In the order in which they were enrolled."""
    return [pk for person in people for pk in person.samples.order_by("pk").values_list("pk", flat=True)]


@st.composite
def galleries(draw):
    """Unit vectors grouped by person, and where each person's rows begin."""
    sizes = draw(st.lists(st.integers(1, 4), min_size=1, max_size=6))
    matrix = np.stack([unit_vector(draw(st.integers(0, 10_000))) for _ in range(sum(sizes))])
    return matrix, np.cumsum([0, *sizes[:-1]]), sizes


def by_hand(matrix, sizes):
    """The same in the plainest words: every sample against everybody's other samples."""
    owner = [person for person, size in enumerate(sizes) for _ in range(size)]
    mated: list[float] = []
    non_mated: list[float] = []
    for probe, own in enumerate(owner):
        for person in range(len(sizes)):
            others = [n for n, who in enumerate(owner) if who == person and n != probe]
            if others:
                best = max(float(matrix[probe] @ matrix[n]) for n in others)
                (mated if person == own else non_mated).append(best)
    return mated, non_mated


class TestLeaveOneOut:
    @given(galleries())
    def test_is_the_best_other_sample_of_each_person(self, gallery):
        matrix, starts, sizes = gallery
        mated, non_mated = leave_one_out(matrix, starts)
        expected_mated, expected_non_mated = by_hand(matrix, sizes)
        assert sorted(mated) == approx_cosine(sorted(expected_mated), DIMENSION)
        assert sorted(non_mated) == approx_cosine(sorted(expected_non_mated), DIMENSION)

    def test_does_not_depend_on_how_many_are_compared_at_a_time(self, monkeypatch):
        matrix, starts = np.stack([unit_vector(n) for n in range(12)]), np.array([0, 3, 6, 9])
        whole = leave_one_out(matrix, starts)
        monkeypatch.setattr(module, "BLOCK", 5)
        for one, other in zip(leave_one_out(matrix, starts), whole, strict=True):
            assert one == approx_cosine(other, DIMENSION)

    def test_of_a_large_gallery_keeps_an_even_part(self, monkeypatch):
        monkeypatch.setattr(module, "MOST_PROBES", 4)
        monkeypatch.setattr(module, "MOST_NON_MATED", 6)
        mated, non_mated = leave_one_out(np.stack([unit_vector(n) for n in range(12)]), np.array([0, 3, 6, 9]))
        assert (len(mated), len(non_mated)) == (4, 6)


@pytest.mark.django_db
class TestSiteScores:
    @pytest.fixture
    def people(self, make_draft):
        return [
            enroll_person(
                actor=None,
                name=f"Person {number}",
                consent=ON_PAPER,
                samples=[make_draft(10 * number + n) for n in range(3)],
                despite_duplicate=True,
            ).person
            for number in range(3)
        ]

    def test_an_empty_gallery_has_none(self):
        scores = site_scores(CONTRACT)
        assert (scores.people, scores.samples, len(scores.distribution.mated)) == (0, 0, 0)

    def test_counts_what_searches_use(self, people):
        FaceSample.objects.update(set_aside=False)
        scores = site_scores(CONTRACT)
        assert (scores.people, scores.samples) == (3, 9)
        assert (len(scores.distribution.mated), len(scores.distribution.non_mated)) == (9, 18)

    def test_names_the_nearest_people_with_their_most_similar_samples(self, people):
        FaceSample.objects.update(set_aside=False)
        scores = site_scores(CONTRACT)
        assert (scores.comparisons, scores.pairs, len(scores.pair_scores)) == (18, 3, 3)
        vectors = {pk: unit_vector(seed) for pk, seed in zip(_sample_keys(people), _SEEDS, strict=True)}
        for near in scores.nearest:
            assert near.comparison_score == approx_cosine(
                float(vectors[near.sample] @ vectors[near.other_sample]), DIMENSION
            )
        first, second = people[:2]
        between = [
            float(vectors[one.pk] @ vectors[other.pk]) for one in first.samples.all() for other in second.samples.all()
        ]
        assert scores.pairs_reaching(max(between) - 1e-6) >= 1
        assert [near.comparison_score for near in scores.nearest] == sorted(scores.pair_scores.tolist(), reverse=True)

    def test_leaves_out_the_deactivated_and_samples_set_aside(self, people):
        FaceSample.objects.update(set_aside=False)
        set_active(actor=None, people=[people[0]], active=False)
        FaceSample.objects.filter(pk=people[1].samples.first().pk).update(set_aside=True)
        scores = site_scores(CONTRACT)
        assert (scores.people, scores.samples) == (2, 5)

    def test_of_very_many_people_an_even_part_is_compared_and_told_how_far_that_is(self, people, monkeypatch):
        FaceSample.objects.update(set_aside=False)
        monkeypatch.setattr(module, "MOST_PEOPLE", 2)
        shares: list[float] = []
        scores = site_scores(CONTRACT, shares.append)
        assert (scores.people, scores.samples, scores.everybody) == (2, 6, 3)
        assert shares == sorted(shares)
        assert 0 <= shares[0] < shares[-1] <= 1

    def test_another_embedding_space_is_never_mixed_in(self, people):
        assert site_scores("another-space:8").samples == 0
