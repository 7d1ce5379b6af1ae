from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from recognizer.liveness import crop_for_liveness, verdict_for
from recognizer.types import Image, LivenessVerdict


def minivision_crop(image: Image, bbox: tuple[float, float, float, float], scale: float) -> np.ndarray:
    """The reference, written down from the description of CropImage._get_new_box (left, top, width, height)."""
    x, y, box_width, box_height = bbox
    height, width = image.shape[:2]
    scale = min((height - 1) / box_height, min((width - 1) / box_width, scale))
    new_width, new_height = box_width * scale, box_height * scale
    centre_x, centre_y = box_width / 2 + x, box_height / 2 + y
    left, top = centre_x - new_width / 2, centre_y - new_height / 2
    right, bottom = centre_x + new_width / 2, centre_y + new_height / 2
    if left < 0:
        right, left = right - left, 0
    if top < 0:
        bottom, top = bottom - top, 0
    if right > width - 1:
        left, right = left - (right - width + 1), width - 1
    if bottom > height - 1:
        top, bottom = top - (bottom - height + 1), height - 1
    part = image[int(top) : int(bottom) + 1, int(left) : int(right) + 1]
    return cv2.resize(part, (80, 80))


def clip_frames(path: Path, step: int = 5) -> list[np.ndarray]:
    video = cv2.VideoCapture(str(path))
    frames: list[np.ndarray] = []
    while True:
        more, frame = video.read()
        if not more:
            return frames[::step]
        frames.append(frame)


class TestCropForLiveness:
    @pytest.mark.parametrize("scale", [2.7, 4.0])
    @pytest.mark.parametrize(
        "box",
        [
            (200, 150, 80, 100),
            (5, 3, 60, 90),
            (560, 390, 70, 80),
            (100, 50, 400, 400),
            (-20, -10, 90, 100),
            (10, 200, 300, 60),
        ],
    )
    def test_is_what_the_models_were_trained_on(self, scale, box):
        image = np.random.default_rng(2).integers(0, 256, (480, 640, 3), dtype=np.uint8)
        left, top, width, height = box

        crop = crop_for_liveness(image, np.array([left, top, left + width, top + height], np.float32), scale)

        assert np.abs(crop.astype(int) - minivision_crop(image, box, scale)).mean() < 6

    @pytest.mark.parametrize("box", [(-50, -50, 900, 700), (639, 479, 641, 481), (0, 0, 0, 0), (700, 500, 800, 600)])
    def test_never_leaves_the_picture(self, box):
        crop = crop_for_liveness(np.full((480, 640, 3), 7, np.uint8), np.array(box, np.float32), 2.7)

        assert crop.shape == (80, 80, 3)
        assert (crop == 7).all()


class TestVerdictFor:
    @pytest.mark.parametrize(
        ("score", "verdict"),
        [
            (0.0, "attack"),
            (0.499, "attack"),
            (0.5, "uncertain"),
            (0.699, "uncertain"),
            (0.7, "bona_fide"),
            (1.0, "bona_fide"),
        ],
    )
    def test_has_two_thresholds(self, score, verdict):
        assert verdict_for(score) == LivenessVerdict(verdict)


class TestRealWeights:
    @pytest.mark.parametrize("clip", ["real_male", "real_female", "real_T1"])
    def test_pass_live_people(self, engine, shared_faces, clip):
        frames = clip_frames(shared_faces / "webcam" / f"{clip}.mjpeg")
        verdicts = [engine.check_liveness(frame, engine.detect(frame)[0]).verdict for frame in frames]

        assert set(verdicts) == {LivenessVerdict.BONA_FIDE}

    @pytest.mark.parametrize("clip", ["spoof_F1", "spoof_F2"])
    def test_refuse_a_photograph_and_a_screen(self, engine, shared_faces, clip):
        frames = clip_frames(shared_faces / "webcam" / f"{clip}.mjpeg")
        verdicts = [engine.check_liveness(frame, engine.detect(frame)[0]).verdict for frame in frames]

        assert set(verdicts) == {LivenessVerdict.ATTACK}
