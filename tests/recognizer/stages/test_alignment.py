from __future__ import annotations

import cv2
import numpy as np
import pytest

from recognizer.stages.alignment import TEMPLATE, align_face, similarity_to_template


def transform(points: np.ndarray, scale: float, degrees: float, shift: tuple[float, float]) -> np.ndarray:
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return (points @ turn.T * scale + shift).astype(np.float32)


def umeyama(points: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The published algorithm by singular values, as InsightFace uses it through scikit-image."""
    centre, target = points.mean(axis=0), targets.mean(axis=0)
    left, singular, right = np.linalg.svd((targets - target).T @ (points - centre) / len(points))
    signs = np.array([1.0, np.sign(np.linalg.det(left) * np.linalg.det(right))])
    turn = left @ np.diag(signs) @ right
    scale = (singular * signs).sum() / ((points - centre) ** 2).sum(axis=1).mean()
    return np.hstack([scale * turn, (target - scale * turn @ centre)[:, np.newaxis]])


class TestSimilarityToTemplate:
    def test_leaves_the_template_where_it_is(self):
        assert similarity_to_template(TEMPLATE) == pytest.approx(np.eye(2, 3), abs=1e-5)

    @pytest.mark.parametrize("scale", [0.2, 1.0, 7.5])
    @pytest.mark.parametrize("degrees", [-170, -30, 0, 45, 90])
    def test_undoes_any_scale_turn_and_shift(self, scale, degrees):
        landmarks = transform(TEMPLATE, scale, degrees, (321.0, -45.0))

        matrix = similarity_to_template(landmarks)

        assert landmarks @ matrix[:, :2].T + matrix[:, 2] == pytest.approx(TEMPLATE, abs=1e-2)

    @pytest.mark.parametrize("seed", range(10))
    def test_is_the_least_squares_answer_of_umeyama(self, seed):
        noise = np.random.default_rng(seed).normal(0, 6, (5, 2))
        landmarks = transform(TEMPLATE, 2.5, 20, (200, 100)) + noise.astype(np.float32)

        assert similarity_to_template(landmarks) == pytest.approx(umeyama(landmarks, TEMPLATE), rel=1e-4, abs=1e-3)

    def test_stays_finite_when_all_landmarks_fall_together(self):
        assert np.isfinite(similarity_to_template(np.full((5, 2), 50, np.float32))).all()


class TestAlignFace:
    def test_brings_marks_to_the_template(self):
        landmarks = transform(TEMPLATE, 3.0, 25, (150.0, 60.0))
        image = np.zeros((480, 640, 3), np.uint8)
        for x, y in landmarks:
            cv2.circle(image, (round(float(x)), round(float(y))), 9, (255, 255, 255), -1)

        aligned = align_face(image, landmarks)

        assert aligned.shape == (112, 112, 3)
        assert all(aligned[round(float(y)), round(float(x))].min() > 200 for x, y in TEMPLATE)

    def test_fills_what_lies_outside_with_black(self):
        aligned = align_face(np.full((60, 60, 3), 255, np.uint8), transform(TEMPLATE, 1.0, 0, (-40.0, 0.0)))

        assert aligned[:55, 45:95].min() == 255
        assert aligned[:, :35].max() == 0
        assert aligned[65:].max() == 0

    @pytest.mark.parametrize("scale", [2.0, 2.7, 6.0])
    def test_puts_large_faces_exactly_where_small_ones_go(self, scale):
        x, y = np.meshgrid(np.arange(1200), np.arange(1200))
        image = np.dstack([x / 5, y / 5, (x + y) / 10]).astype(np.uint8)
        landmarks = transform(TEMPLATE, scale, 15, (250.0, 60.0))
        plain = cv2.warpAffine(image, similarity_to_template(landmarks), (112, 112), flags=cv2.INTER_LINEAR)

        assert np.abs(align_face(image, landmarks).astype(int) - plain).max() <= 2

    def test_averages_the_noise_of_large_pictures(self):
        noise = np.random.default_rng(4).normal(128, 40, (900, 900, 3)).clip(0, 255).astype(np.uint8)

        assert align_face(noise, transform(TEMPLATE, 6.0, 0, (100.0, 100.0))).std() < 15

    def test_stays_black_when_a_large_face_lies_outside(self):
        image = np.full((300, 300, 3), 255, np.uint8)

        assert align_face(image, transform(TEMPLATE, 4.0, 0, (2000.0, 0.0))).max() == 0
