from __future__ import annotations

import numpy as np
import pytest

from recognizer.search.nearest import NearestPairs


def gather(best, owner, *, most, block=7):
    """All rows of `best`, block by block."""
    near = NearestPairs(most)
    for first in range(0, len(best), block):
        rows = np.arange(first, min(first + block, len(best)))
        near.add(best[rows], rows, owner[rows])
    return near.found


def by_hand(best, owner):
    """The best score of every two people, in the plainest words."""
    scores: dict[frozenset[int], float] = {}
    for probe, who in enumerate(owner.tolist()):
        for other in range(best.shape[1]):
            if other != who:
                pair = frozenset((who, other))
                scores[pair] = max(scores.get(pair, -2.0), float(best[probe, other]))
    return sorted(scores.values(), reverse=True)


@pytest.fixture
def crowd():
    """Scores of 40 people's samples, five each, with everybody."""
    random = np.random.default_rng(3)
    owner = np.repeat(np.arange(40), 5)
    best = random.normal(0, 0.1, (200, 40)).astype(np.float32)
    best[np.arange(200), owner] = -np.inf
    return best, owner


class TestNearestPairs:
    @pytest.mark.parametrize("most", [1, 10, 100, 10_000])
    def test_are_the_best_of_all_pairs_of_people(self, crowd, most):
        best, owner = crowd
        assert gather(best, owner, most=most).scores.tolist() == by_hand(best, owner)[:most]

    def test_name_each_pair_once_with_the_probe_that_has_the_score(self, crowd):
        best, owner = crowd
        found = gather(best, owner, most=50)
        pairs = {frozenset(pair) for pair in zip(found.probe_people.tolist(), found.others.tolist(), strict=True)}
        assert len(pairs) == len(found) == 50
        assert best[found.probes, found.others].tolist() == found.scores.tolist()
        assert owner[found.probes].tolist() == found.probe_people.tolist()

    def test_two_people_with_very_many_samples_hide_no_other_pair(self):
        owner = np.repeat([0, 1], 200)
        best = np.full((400, 12), 0.1, np.float32)
        best[:200, 1] = best[200:, 0] = 0.9
        best[np.arange(400), owner] = -np.inf
        assert len(gather(best, owner, most=5, block=400)) == 5

    def test_a_single_person_has_none(self):
        assert len(gather(np.full((3, 1), -np.inf, np.float32), np.zeros(3, np.int64), most=5)) == 0

    def test_count_how_many_reach_a_threshold(self, crowd):
        best, owner = crowd
        found = gather(best, owner, most=10_000)
        assert found.reaching(0.2) == sum(score >= np.float32(0.2) for score in by_hand(best, owner))
