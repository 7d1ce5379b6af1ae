from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from recognizer.packs.manifest import SHIPPED_DIR
from recognizer.stages.alignment import TEMPLATE
from recognizer.stages.landmarks import CUT_SIDE, CUT_TEMPLATE, LandmarkRefiner, cut_matrix
from recognizer.stages.sessions import open_session
from recognizer.types import Detection, Image, Vector
from tests.support import portraits

MIRRORED = [1, 0, 2, 4, 3]


@pytest.fixture(scope="module")
def refiner() -> LandmarkRefiner:
    return LandmarkRefiner(open_session(SHIPPED_DIR / "starter_landmarks.onnx"))


@pytest.fixture(params=portraits.PEOPLE)
def portrait(request) -> Image:
    """About 250 pixels high, as LFW pictures are."""
    picture = portraits.portrait(request.param)
    scale = 250 / picture.shape[0]
    return np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def first_face(engine, image: Image) -> Detection:
    return engine.detect(image)[0]


def off(one: Vector, other: Vector) -> float:
    """Mean distance of the landmarks as a share of the eyes' distance."""
    return float(np.linalg.norm(one - other, axis=1).mean() / np.linalg.norm(other[0] - other[1]))


def moved(landmarks: Vector, *, degrees: float, zoom: float, shift: float) -> Vector:
    """All five at once, about their centre; `shift` in distances of the eyes."""
    centre, eyes = landmarks.mean(axis=0), np.linalg.norm(landmarks[0] - landmarks[1])
    turn = cv2.getRotationMatrix2D((0, 0), degrees, zoom)[:, :2]
    return ((landmarks - centre) @ turn.T + centre + shift * eyes).astype(np.float32)


class TestRefine:
    @pytest.mark.parametrize(
        "error",
        [
            {"degrees": 10, "zoom": 1.0, "shift": 0.0},
            {"degrees": 0, "zoom": 1.12, "shift": 0.0},
            {"degrees": 0, "zoom": 0.9, "shift": 0.05},
            {"degrees": -6, "zoom": 0.95, "shift": -0.08},
        ],
    )
    def test_comes_to_the_same_landmarks_from_wrong_first_ones(self, engine, refiner, portrait, error):
        face = first_face(engine, portrait)
        (right,) = refiner.refine(portrait, [face])
        wrong = replace(face, landmarks=moved(right.landmarks, **error))
        (again,) = refiner.refine(portrait, [wrong])
        assert off(wrong.landmarks, right.landmarks) > 0.05
        assert off(again.landmarks, right.landmarks) < 0.05

    @pytest.mark.parametrize("degrees", [-30, 30])
    def test_finds_those_of_a_tilted_head(self, engine, refiner, portrait, degrees):
        (upright,) = refiner.refine(portrait, [first_face(engine, portrait)])
        centre = tuple(float(value) for value in upright.landmarks.mean(axis=0))
        turn = cv2.getRotationMatrix2D(centre, degrees, 1.0)
        tilted = np.asarray(
            cv2.warpAffine(portrait, turn, portrait.shape[1::-1], borderMode=cv2.BORDER_REPLICATE), np.uint8
        )
        (found,) = refiner.refine(tilted, [first_face(engine, tilted)])
        assert off(found.landmarks, upright.landmarks @ turn[:, :2].T + turn[:, 2]) < 0.06

    def test_finds_mirrored_landmarks_in_the_mirror(self, engine, refiner, portrait):
        (face,) = refiner.refine(portrait, [first_face(engine, portrait)])
        mirror = np.ascontiguousarray(portrait[:, ::-1])
        (other,) = refiner.refine(mirror, [first_face(engine, mirror)])
        back = other.landmarks[MIRRORED] * (-1, 1) + (portrait.shape[1] - 1, 0)
        assert off(back, face.landmarks) < 0.06

    def test_speaks_in_pixels_of_the_picture_however_large(self, engine, refiner, portrait):
        face = first_face(engine, portrait)
        large = np.asarray(cv2.resize(portrait, None, fx=3, fy=3, interpolation=cv2.INTER_LINEAR), np.uint8)
        (small_face,) = refiner.refine(portrait, [face])
        (large_face,) = refiner.refine(large, [replace(face, landmarks=face.landmarks * 3 + 1)])
        assert off((large_face.landmarks - 1) / 3, small_face.landmarks) < 0.02

    def test_keeps_box_and_score_of_every_face(self, engine, refiner):
        group = np.concatenate([portraits.portrait(name)[:500, :500] for name in portraits.PEOPLE], axis=1)
        faces = engine.detect(group)
        refined = refiner.refine(group, faces)
        assert len(faces) == 2
        for before, after in zip(faces, refined, strict=True):
            assert (after.box_xyxy is before.box_xyxy, after.detection_score) == (True, before.detection_score)
            assert off(after.landmarks, before.landmarks) < 0.2

    def test_survives_landmarks_that_are_no_face(self, engine, refiner, portrait):
        face = first_face(engine, portrait)
        lost = [np.zeros((5, 2), np.float32), np.full((5, 2), 1e6, np.float32)]
        refined = refiner.refine(portrait, [face, *(replace(face, landmarks=points) for points in lost)])
        assert all(np.isfinite(one.landmarks).all() for one in refined)
        assert off(refined[0].landmarks, face.landmarks) < 0.2

    def test_has_nothing_to_do_without_a_face(self, refiner):
        assert refiner.refine(np.zeros((40, 40, 3), np.uint8), []) == []


class TestCutMatrix:
    def test_takes_right_landmarks_to_their_place_in_the_cut(self):
        landmarks = (TEMPLATE * 3 + (50, 20)).astype(np.float32)
        matrix = cut_matrix(landmarks)
        assert landmarks @ matrix[:, :2].T + matrix[:, 2] == pytest.approx(CUT_TEMPLATE, abs=1e-3)
        assert CUT_TEMPLATE.min() > 0
        assert CUT_TEMPLATE.max() < CUT_SIDE
