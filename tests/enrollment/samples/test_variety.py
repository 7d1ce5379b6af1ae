from __future__ import annotations

from enrollment.samples.variety import least_telling
from tests.enrollment.conftest import unit_vector


class TestLeastTelling:
    def test_takes_the_poorer_of_the_two_most_alike(self):
        vectors = {1: unit_vector(1), 2: unit_vector(2), 3: unit_vector(1)}
        assert least_telling([(1, 0.9), (2, 0.1), (3, 0.5)], vectors, 1) == {3}
        assert least_telling([(1, 0.4), (2, 0.1), (3, 0.5)], vectors, 1) == {1}

    def test_takes_a_sample_without_a_vector_first(self):
        vectors = {1: unit_vector(1), 2: unit_vector(1)}
        assert least_telling([(1, 0.9), (2, 0.9), (3, 0.9)], vectors, 1) == {3}

    def test_goes_on_until_enough_are_named(self):
        vectors = {number: unit_vector(number) for number in range(6)}
        assert len(least_telling([(number, 0.5) for number in range(6)], vectors, 4)) == 4

    def test_gives_the_same_answer_whatever_came_in_again(self):
        vectors = {number: unit_vector(number) for number in range(8)}
        samples = [(number, number / 10) for number in range(8)]
        dropped = least_telling(samples, vectors, 3)
        again = {number + 100 if number in dropped else number: vector for number, vector in vectors.items()}
        samples_again = [(number + 100 if number in dropped else number, score) for number, score in samples]
        assert least_telling(sorted(samples_again), again, 3) == {number + 100 for number in dropped}

    def test_lets_the_other_one_of_two_alike_go_when_one_is_protected(self):
        vectors = {1: unit_vector(1), 2: unit_vector(1), 3: unit_vector(2)}
        samples = [(1, 0.1), (2, 0.9), (3, 0.5)]
        assert least_telling(samples, vectors, 1) == {1}
        assert least_telling(samples, vectors, 1, protected={1}) == {2}

    def test_lets_fewer_go_when_all_others_are_protected(self):
        vectors = {pk: unit_vector(pk) for pk in (1, 2, 3)}
        samples = [(pk, 0.5) for pk in vectors]
        assert least_telling(samples, vectors, 2, protected={1, 2}) == {3}
        assert least_telling([*samples, (4, 0.5)], vectors, 1, protected={1, 2, 3, 4}) == set()
