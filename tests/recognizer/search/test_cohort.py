from __future__ import annotations

import numpy as np
import pytest

from recognizer.search.cohort import NEAREST, Cohort, find_centres
from recognizer.stages.embedding import normalize_rows
from recognizer.types import Vector


def around(direction: Vector, count: int, *, spread: float, seed: int = 1) -> Vector:
    """(count, d) unit vectors near a direction."""
    noise = np.random.default_rng(seed).standard_normal((count, len(direction))).astype(np.float32)
    return normalize_rows(direction + spread * normalize_rows(noise))


AXES = np.eye(64, dtype=np.float32)
CROWD = around(AXES[0], 200, spread=1.2)
"""Faces of one kind: they score about 0.4 with each other."""
WORLD = np.concatenate([CROWD, around(AXES[1], 200, spread=3.0, seed=2)])
COHORT = Cohort(WORLD, gate=4.0)


class TestCohort:
    def test_the_same_score_stands_out_among_others_and_not_among_faces_of_its_own_kind(self):
        probe, template = around(AXES[0], 2, spread=0.8, seed=3)
        score = float(probe @ template)
        alone, other = around(AXES[9], 2, spread=0.8, seed=3)
        assert not COHORT.stands_out(score, probe, template)
        assert COHORT.stands_out(score, alone, other)

    def test_nobody_is_as_similar_to_a_face_as_that_face(self):
        assert COHORT.stands_out(1.0, CROWD[0], CROWD[0])

    def test_the_two_faces_may_change_places(self):
        probe, template = around(AXES[0], 2, spread=0.8, seed=3)
        assert COHORT.normalise(0.5, probe, template) == pytest.approx(COHORT.normalise(0.5, template, probe))

    def test_only_the_nearest_strangers_count(self):
        probe = around(AXES[0], 1, spread=0.8, seed=3)
        nearest = WORLD[np.argsort(WORLD @ probe[0])[-NEAREST:]]
        mean, deviation = COHORT.strangers(probe[0])
        scores = nearest @ probe[0]
        assert [mean, deviation] == pytest.approx([scores.mean(), scores.std()])

    def test_the_gate_itself_is_enough(self):
        probe, template = around(AXES[0], 2, spread=0.8, seed=3)
        exact = Cohort(WORLD, gate=COHORT.normalise(0.5, probe, template))
        assert exact.stands_out(0.5, probe, template)
        assert not exact.stands_out(0.4999, probe, template)

    def test_strangers_that_all_score_the_same_divide_nothing_by_zero(self):
        alike = Cohort(np.tile(AXES[0], (40, 1)), gate=4.0)
        assert np.isfinite(alike.normalise(0.5, AXES[1], AXES[2]))


class TestFindCentres:
    def test_finds_where_the_embeddings_lie(self):
        centres = find_centres(np.concatenate([around(AXES[n], 50, spread=0.3, seed=n) for n in range(4)]), 4)
        assert sorted((centres @ AXES[:4].T).argmax(axis=1)) == [0, 1, 2, 3]
        assert (centres @ AXES[:4].T).max(axis=1).min() > 0.98

    def test_gives_the_same_for_the_same(self):
        np.testing.assert_array_equal(find_centres(WORLD, 20), find_centres(WORLD, 20))

    def test_no_centre_is_empty_even_where_embeddings_repeat(self):
        centres = find_centres(np.repeat(AXES[:3], 20, axis=0), 10)
        np.testing.assert_allclose(np.linalg.norm(centres, axis=1), 1, atol=1e-6)

    def test_needs_as_many_embeddings_as_centres(self):
        with pytest.raises(ValueError, match="3 embeddings cannot have 4 centres"):
            find_centres(AXES[:3], 4)
