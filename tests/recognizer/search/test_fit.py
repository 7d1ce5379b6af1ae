from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognizer.search import fit
from recognizer.search.fit import find_resemblances, judge_fit
from tests.support.floats import approx_cosine

THRESHOLD = 0.5


def vectors(*angles: float):
    """Unit vectors in a plane, by their angles in degrees: 60 degrees apart is a cosine of 0.5."""
    radians = np.radians(angles)
    return np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)


class TestJudgeFit:
    def test_finds_the_one_that_is_unlike_all_others(self):
        judged = judge_fit(vectors(0, 10, 150, 20), THRESHOLD)
        assert (judged.outliers, judged.settled) == ((2,), True)

    def test_tells_how_similar_each_is_to_its_closest(self):
        judged = judge_fit(vectors(0, 10, 150), THRESHOLD)
        assert judged.best_scores == approx_cosine([np.cos(np.radians(10))] * 2 + [np.cos(np.radians(140))], 2)

    def test_two_profiles_that_meet_through_a_front_view_fit(self):
        assert judge_fit(vectors(0, 50, 100), THRESHOLD).outliers == ()

    def test_several_pictures_of_the_same_stranger_do_not_vouch_for_each_other(self):
        assert judge_fit(vectors(0, 10, 20, 150, 155), THRESHOLD).outliers == (3, 4)

    def test_is_inclusive_at_the_threshold(self):
        pair = np.array([[1, 0], [0.6, 0.8]], np.float32)  # their inner product is exact, however it is summed
        exact = pair[1, 0]
        assert judge_fit(pair, exact).settled
        assert not judge_fit(pair, np.nextafter(exact, np.float32(2))).settled

    @pytest.mark.parametrize("angles", [(0, 150), (0, 10, 150, 160), (0, 90, 180)])
    def test_without_a_majority_nothing_is_settled(self, angles):
        judged = judge_fit(vectors(*angles), THRESHOLD)
        assert (judged.outliers, judged.settled) == ((), False)

    @pytest.mark.parametrize("angles", [(), (7,)])
    def test_one_sample_or_none_always_fits(self, angles):
        assert judge_fit(vectors(*angles).reshape(-1, 2), THRESHOLD).settled

    def test_known_samples_outvote_any_number_of_new_ones(self):
        judged = judge_fit(vectors(0, 10, 150, 151, 152, 153), THRESHOLD, known=2)
        assert judged.outliers == (2, 3, 4, 5)

    def test_a_known_sample_is_never_an_outlier(self):
        assert judge_fit(vectors(150, 0, 10, 20), THRESHOLD, known=3).outliers == ()

    def test_a_single_known_sample_settles_nothing_against_new_ones_that_agree(self):
        assert not judge_fit(vectors(150, 0, 10, 20), THRESHOLD, known=1).settled
        assert judge_fit(vectors(0, 10, 150), THRESHOLD, known=1).outliers == (2,)

    @given(st.lists(st.floats(0, 360), min_size=1, max_size=8), st.integers(0, 8), st.floats(-0.9, 0.9))
    def test_outliers_are_new_and_never_the_majority(self, angles, known, threshold):
        known = min(known, len(angles))
        judged = judge_fit(vectors(*angles), threshold, known=known)
        assert all(row >= known for row in judged.outliers)
        if known == 0:
            assert len(judged.outliers) < len(angles)
        assert judged.settled or not judged.outliers


class TestFindResemblances:
    def test_gives_the_most_similar_samples_of_every_two_people(self):
        people = np.array([1, 1, 2, 2, 3])
        found = find_resemblances(people, vectors(0, 10, 60, 65, 150), THRESHOLD)
        assert [(hit.row, hit.other_row) for hit in found] == [(1, 2)]
        assert found[0].comparison_score == approx_cosine(np.cos(np.radians(50)), 2)

    def test_nobody_resembles_themselves(self):
        assert find_resemblances(np.array([4, 4, 4]), vectors(0, 1, 2), THRESHOLD) == []

    def test_of_an_empty_gallery_there_is_nothing_to_find(self):
        assert find_resemblances(np.empty(0, np.int64), np.empty((0, 2), np.float32), THRESHOLD) == []

    @pytest.mark.parametrize(("rows", "columns"), [(1, 1), (7, 11), (1_024, 4_096)])
    def test_finds_the_same_whatever_the_blocks_and_wherever_it_goes_on(self, monkeypatch, rows, columns):
        monkeypatch.setattr(fit, "ROWS", rows)
        monkeypatch.setattr(fit, "COLUMNS", columns)
        random = np.random.default_rng(3)
        matrix = random.normal(size=(60, 8)).astype(np.float32)
        matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
        people = np.repeat(np.arange(20), 3)
        expected: dict[tuple[int, int], tuple[float, int, int]] = {}
        for row in range(60):
            for other in range(row + 1, 60):
                score = float(matrix[row] @ matrix[other])
                pair = (people[row], people[other])
                if people[row] != people[other] and score >= 0.3 and score > expected.get(pair, (-2.0, 0, 0))[0]:
                    expected[pair] = (score, row, other)
        steps: list[fit.Partway] = []
        found = find_resemblances(people, matrix, 0.3, note=steps.append)
        assert find_resemblances(people, matrix, 0.3, since=steps[len(steps) // 2]) == found
        assert (steps[-1].rows, steps[-1].share) == (60, 1.0)
        assert [(hit.row, hit.other_row) for hit in found] == [
            (row, other) for _, row, other in sorted(expected.values(), reverse=True)
        ]
