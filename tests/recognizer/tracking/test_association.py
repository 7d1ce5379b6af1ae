from __future__ import annotations

import numpy as np
import pytest

from recognizer.tracking.association import SAME_APPEARANCE, appearance_of, best_pairs, overlap_matrix, undisputed_pairs


def box(left: float, top: float, right: float, bottom: float) -> np.ndarray:
    return np.array([left, top, right, bottom], np.float32)


class TestOverlapMatrix:
    def test_is_shared_area_over_joint_area(self):
        overlap = overlap_matrix([box(0, 0, 2, 2), box(10, 10, 12, 12)], [box(1, 0, 3, 2), box(0, 0, 2, 2)])
        assert overlap == pytest.approx(np.array([[1 / 3, 1.0], [0.0, 0.0]]))

    def test_of_nothing_is_empty(self):
        assert overlap_matrix([], [box(0, 0, 1, 1)]).shape == (0, 1)
        assert overlap_matrix([box(0, 0, 1, 1)], []).shape == (1, 0)

    def test_of_empty_boxes_is_zero(self):
        assert overlap_matrix([box(1, 1, 1, 1)], [box(1, 1, 1, 1)]) == pytest.approx(0)


class TestUndisputedPairs:
    def test_pairs_what_overlaps_clearly(self):
        assert undisputed_pairs(np.array([[0.8, 0.0], [0.0, 0.5]])) == [(0, 0), (1, 1)]

    def test_leaves_out_whoever_has_a_rival(self):
        """Two faces come close: neither the row nor the column with two neighbours is clear."""
        assert undisputed_pairs(np.array([[0.8, 0.15, 0.0], [0.0, 0.0, 0.9]])) == [(1, 2)]
        assert undisputed_pairs(np.array([[0.8], [0.2]])) == []

    def test_leaves_out_boxes_that_hardly_overlap(self):
        assert undisputed_pairs(np.array([[0.29]])) == []

    def test_of_nothing_is_nothing(self):
        assert undisputed_pairs(np.empty((0, 3), np.float32)) == []


class TestBestPairs:
    def test_takes_the_most_similar_first_and_each_only_once(self):
        assert best_pairs(np.array([[0.9, 0.8], [0.85, 0.1]]), 0.3) == [(0, 0)]
        assert best_pairs(np.array([[0.9, 0.8], [0.95, 0.1]]), 0.3) == [(1, 0), (0, 1)]

    def test_pairs_nothing_below_the_least_similarity(self):
        assert best_pairs(np.array([[0.29]]), 0.3) == []

    @pytest.mark.parametrize("shape", [(0, 0), (0, 2), (2, 0)])
    def test_of_nothing_is_nothing(self, shape):
        assert best_pairs(np.empty(shape), 0.3) == []


class TestAppearance:
    def test_of_a_crop_is_the_same_in_other_light_and_contrast(self):
        crop = np.random.default_rng(0).integers(60, 160, (112, 112, 3), dtype=np.uint8)
        brighter = (crop.astype(float) * 1.2 + 20).astype(np.uint8)
        assert float(appearance_of(crop) @ appearance_of(brighter)) > 0.99

    def test_of_a_black_crop_is_no_nan(self):
        assert np.isfinite(appearance_of(np.zeros((112, 112, 3), np.uint8))).all()

    def test_of_two_people_differs(self, engine, shared_faces):
        crops = []
        for name in ("Abdoulaye_Wade", "Amelia_Vega"):
            image = engine.decode((shared_faces / "eval" / name / f"{name}_0001.jpg").read_bytes())
            crops.append(engine.align(image, engine.detect(image)[0]))
        assert float(appearance_of(crops[0]) @ appearance_of(crops[1])) < SAME_APPEARANCE
