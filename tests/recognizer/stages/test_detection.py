from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from recognizer.stages.detection import HaarDetector, YuNetDetector, keep_best, overlap
from recognizer.stages.sessions import open_session
from recognizer.types import Detection

PORTRAITS = ("obama.jpg", "biden.jpg", "obama2.jpg", "biden2.jpg", "obama_and_biden.jpg")


def read(path: Path) -> np.ndarray:
    image = cv2.imread(str(path))
    assert image is not None
    return image


@pytest.fixture(scope="module")
def detector(pack) -> YuNetDetector:
    return YuNetDetector(open_session(pack.detector.path))


def eval_pictures(shared_faces: Path, count: int) -> list[Path]:
    paths = sorted((shared_faces / "eval").glob("*/*.jpg"))
    return paths[:: len(paths) // count][:count]


def shrunk(image: np.ndarray, size: int = 320) -> np.ndarray:
    """As the detector shrinks, so that OpenCV's detector sees the same pixels."""
    height, width = image.shape[:2]
    scale = min(1.0, size / max(height, width))
    return cv2.resize(image, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_LINEAR)


def opencv_rows(model: Path, image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    detector = cv2.FaceDetectorYN.create(str(model), "", (width, height), 0.6, 0.3, 5000)
    _, rows = detector.detect(image)
    return np.empty((0, 15), np.float32) if rows is None else rows


class TestYuNetDetector:
    @pytest.mark.parametrize("model", ["face_detection_yunet_2026may.onnx", "face_detection_yunet_2023mar.onnx"])
    def test_agrees_with_opencv_on_boxes_landmarks_and_scores(self, detector, shared_faces, shared_models, model):
        pictures = [*eval_pictures(shared_faces, 15), *(shared_faces / "portraits" / name for name in PORTRAITS)]
        for path in pictures:
            image = shrunk(read(path))
            expected = sorted(opencv_rows(shared_models / model, image), key=lambda row: -row[2] * row[3])

            found = detector.detect(image)

            assert len(found) == len(expected), path.name
            for one, row in zip(found, expected, strict=True):
                box = [row[0], row[1], row[0] + row[2], row[1] + row[3]]
                assert one.box_xyxy == pytest.approx(box, abs=0.05), path.name
                assert one.landmarks.ravel() == pytest.approx(row[4:14], abs=0.05), path.name
                assert one.detection_score == pytest.approx(row[14], abs=1e-3), path.name

    def test_finds_the_face_of_every_evaluation_picture(self, detector, shared_faces):
        missed = [path.name for path in eval_pictures(shared_faces, 60) if not detector.detect(read(path))]

        assert missed == []

    def test_maps_boxes_and_landmarks_back_to_the_full_picture(self, detector, shared_faces):
        image = read(shared_faces / "portraits" / "obama.jpg")
        small = shrunk(image)
        ratio = image.shape[1] / small.shape[1]

        full, reduced = detector.detect(image)[0], detector.detect(small)[0]

        assert full.box_xyxy == pytest.approx(reduced.box_xyxy * ratio, rel=0.02, abs=2)
        assert full.landmarks == pytest.approx(reduced.landmarks * ratio, rel=0.02, abs=2)

    def test_puts_the_largest_face_first(self, detector, shared_faces):
        found = detector.detect(read(shared_faces / "portraits" / "obama_and_biden.jpg"))
        areas = [np.prod(one.box_xyxy[2:] - one.box_xyxy[:2]) for one in found]

        assert len(found) >= 2
        assert areas == sorted(areas, reverse=True)

    def test_names_landmarks_from_the_persons_right_to_left(self, detector, shared_faces):
        right_eye, left_eye, nose, right_mouth, left_mouth = detector.detect(
            read(shared_faces / "portraits" / "obama.jpg")
        )[0].landmarks

        assert right_eye[0] < nose[0] < left_eye[0]
        assert right_mouth[0] < left_mouth[0]
        assert max(right_eye[1], left_eye[1]) < nose[1] < min(right_mouth[1], left_mouth[1])

    @pytest.mark.parametrize("size", [(112, 112), (97, 131), (250, 250), (640, 361), (33, 400)])
    def test_takes_pictures_of_any_size(self, detector, shared_faces, size):
        image = cv2.resize(read(eval_pictures(shared_faces, 1)[0]), size)

        assert all(isinstance(one, Detection) for one in detector.detect(image))

    def test_finds_the_face_of_a_small_picture(self, detector, shared_faces):
        small = cv2.resize(read(eval_pictures(shared_faces, 1)[0]), (112, 112))

        assert len(detector.detect(small)) == 1

    @pytest.mark.parametrize("value", [0, 127, 255])
    def test_finds_nothing_in_an_empty_picture(self, detector, value):
        assert detector.detect(np.full((480, 640, 3), value, np.uint8)) == []

    def test_finds_fewer_faces_with_a_higher_threshold(self, models_dir, detector, shared_faces):
        strict = YuNetDetector(open_session(models_dir / "yunet_s_dynamic.onnx"), threshold=0.999)

        assert strict.detect(read(shared_faces / "portraits" / "obama.jpg")) == []


class TestKeepBest:
    def test_keeps_the_best_of_overlapping_boxes_and_every_other(self):
        boxes = [[0, 0, 10, 10], [1, 1, 11, 11], [50, 50, 60, 60], [0, 0, 10, 9]]

        assert keep_best(boxes, [0.7, 0.9, 0.6, 0.8]) == [1, 2]

    def test_keeps_nothing_of_nothing(self):
        assert keep_best([], []) == []


class TestOverlap:
    def test_is_intersection_over_union(self):
        assert overlap([0, 0, 10, 10], [5, 0, 15, 10]) == pytest.approx(1 / 3)

    def test_is_zero_for_boxes_that_only_touch(self):
        assert overlap([0, 0, 10, 10], [10, 0, 20, 10]) == 0


class TestHaarDetector:
    def test_finds_a_frontal_face_roughly_where_yunet_does(self, detector, shared_faces):
        image = read(shared_faces / "portraits" / "obama.jpg")
        haar, yunet = HaarDetector().detect(image)[0], detector.detect(image)[0]

        assert overlap(haar.box_xyxy.tolist(), yunet.box_xyxy.tolist()) > 0.4
        assert np.abs(haar.landmarks - yunet.landmarks).max() < 0.15 * (yunet.box_xyxy[3] - yunet.box_xyxy[1])

    def test_finds_nothing_in_an_empty_picture(self):
        assert HaarDetector().detect(np.full((200, 200, 3), 127, np.uint8)) == []
