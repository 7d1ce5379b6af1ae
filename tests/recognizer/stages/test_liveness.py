from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from recognizer.stages.liveness import SURROUNDINGS_NEEDED, crop_for_liveness, surroundings_of, verdict_for
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


def cut_to(image: np.ndarray, cut: float) -> Image:
    """Without `cut` of its height and width on each side."""
    height, width = image.shape[:2]
    top, left = round(height * cut), round(width * cut)
    return np.ascontiguousarray(image[top : height - top, left : width - left])


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

    @pytest.mark.parametrize(("score", "verdict"), [(0.2, "attack"), (0.6, "uncertain"), (1.0, "uncertain")])
    def test_a_face_that_fills_the_picture_may_be_an_attack_but_is_never_shown_to_be_live(self, score, verdict):
        assert verdict_for(score, surrounded=False) == LivenessVerdict(verdict)


class TestSurroundingsOf:
    def test_is_how_often_the_box_fits_into_the_narrower_direction(self):
        box = np.array([100, 100, 300, 200], np.float32)
        assert surroundings_of(np.zeros((481, 641, 3), np.uint8), box) == pytest.approx(3.2)
        assert surroundings_of(np.zeros((151, 641, 3), np.uint8), box) == pytest.approx(1.5)


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

    @pytest.mark.parametrize("cut", [0.1, 0.2, 0.28, 0.3, 0.33])
    @pytest.mark.parametrize("clip", ["spoof_F1", "spoof_F2"])
    def test_no_attack_is_shown_to_be_live_by_holding_it_closer(self, engine, shared_faces, clip, cut):
        """The closer, the more it looks like a face: without the rule the tablet would pass from 0.28 on."""
        for frame in clip_frames(shared_faces / "webcam" / f"{clip}.mjpeg"):
            part = cut_to(frame, cut)
            faces = engine.detect(part)
            assert all(engine.check_liveness(part, face).verdict != LivenessVerdict.BONA_FIDE for face in faces)

    @pytest.mark.parametrize("clip", ["real_male", "real_female", "real_T1"])
    def test_a_live_person_at_arms_length_has_surroundings_to_spare(self, engine, shared_faces, clip):
        for frame in clip_frames(shared_faces / "webcam" / f"{clip}.mjpeg"):
            assert surroundings_of(frame, engine.detect(frame)[0].box_xyxy) > 1.25 * SURROUNDINGS_NEEDED
