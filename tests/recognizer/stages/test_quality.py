from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import pytest

from recognizer.stages.alignment import TEMPLATE
from recognizer.stages.checks import NOT_CHECKED, FaceChecks
from recognizer.stages.quality import RULES, Measures, estimate_pose, measure_quality, quality_score, take_measures
from recognizer.types import Detection, Image, Pose

GOOD = Measures(
    face_size=120.0,
    inter_eye_distance=52.0,
    share_of_picture=0.4,
    share_outside=0.0,
    crop_outside=0.0,
    landmarks_inside=True,
    brightness=125.0,
    contrast=50.0,
    sharpness=300.0,
    eye_light=0.8,
    pose=Pose(0.0, 0.0, 0.0),
    detection_score=0.93,
    checks=NOT_CHECKED,
)
FRONTAL = np.array([[-0.5, 0], [0.5, 0], [0, 0.547], [-0.424, 0.951], [0.424, 0.951]], np.float32)
HEAD = np.column_stack([FRONTAL, [0.0, 0.0, 0.41, 0.05, 0.05]])


def reasons(**changes: Any) -> tuple[str, ...]:
    measures = dataclasses.replace(GOOD, **changes)
    return tuple(code for code, rule in RULES if rule(measures))


def turned(yaw: float = 0, pitch: float = 0, roll: float = 0) -> np.ndarray:
    """Landmarks of the mean head after turning it, 60 pixels between the eyes (x right, y down, z to the camera)."""
    a, b, c = np.radians([yaw, pitch, roll])
    about_y = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), np.sin(b)], [0, -np.sin(b), np.cos(b)]])
    about_z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return ((HEAD @ (about_z @ about_x @ about_y).T)[:, :2] * 60 + 200).astype(np.float32)


class TestRules:
    def test_have_nothing_to_say_about_a_good_face(self):
        assert reasons() == ()

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"face_size": 39.0}, "face_too_small"),
            ({"inter_eye_distance": 15.0}, "face_too_small"),
            ({"share_outside": 0.13}, "face_cut_off"),
            ({"crop_outside": 0.21}, "face_cut_off"),
            ({"landmarks_inside": False}, "face_cut_off"),
            ({"share_of_picture": 0.96}, "face_too_large"),
            ({"brightness": 44.0}, "too_dark"),
            ({"brightness": 201.0}, "too_bright"),
            ({"pose": Pose(41.0, 0.0, 0.0)}, "turned_away"),
            ({"pose": Pose(-41.0, 0.0, 0.0)}, "turned_away"),
            ({"pose": Pose(0.0, 41.0, 0.0)}, "turned_away"),
            ({"pose": Pose(0.0, 0.0, -46.0)}, "tilted"),
            ({"eye_light": 0.35}, "eyes_hidden"),
            ({"checks": FaceChecks(turned=0.21)}, "turned_over"),
            ({"checks": FaceChecks(mouth_hidden=0.51)}, "mouth_hidden"),
            ({"sharpness": 24.0}, "blurred"),
        ],
    )
    def test_name_what_is_wrong(self, changes, code):
        assert reasons(**changes) == (code,)

    @pytest.mark.parametrize(
        "changes",
        [
            {"face_size": 40.0, "inter_eye_distance": 16.0},
            {"share_outside": 0.12, "crop_outside": 0.2, "share_of_picture": 0.95},
            {"brightness": 45.0},
            {"brightness": 200.0},
            {"pose": Pose(40.0, -40.0, 35.0)},
            {"eye_light": 0.36, "sharpness": 25.0},
            {"checks": FaceChecks(turned=0.2, mouth_hidden=0.5)},
        ],
    )
    def test_begin_beyond_their_limits(self, changes):
        assert reasons(**changes) == ()

    def test_put_the_most_important_first(self):
        assert reasons(sharpness=1.0, brightness=1.0, face_size=10.0) == ("face_too_small", "too_dark", "blurred")


class TestEstimatePose:
    def test_is_zero_for_the_mean_head_seen_from_the_front(self):
        pose = estimate_pose(FRONTAL * 80 + 100)

        assert (pose.yaw, pose.pitch, pose.roll) == pytest.approx((0, 0, 0), abs=0.5)

    @pytest.mark.parametrize("angle", [-40, -15, 20, 45])
    @pytest.mark.parametrize("axis", ["yaw", "pitch", "roll"])
    def test_finds_the_angle_the_head_was_turned_by(self, axis, angle):
        pose = estimate_pose(turned(**{axis: angle}))
        expected = {"yaw": 0, "pitch": 0, "roll": 0} | {axis: angle}

        assert (pose.yaw, pose.pitch, pose.roll) == pytest.approx(tuple(expected.values()), abs=1.5)

    def test_counts_yaw_up_towards_the_pictures_right(self, engine, shared_faces):
        """Two pictures that a person has looked at: noses point to the picture's left and right."""
        folder = shared_faces / "eval"
        names = ("Binyamin_Ben-Eliezer/Binyamin_Ben-Eliezer_0002.jpg", "Wolfgang_Schuessel/Wolfgang_Schuessel_0004.jpg")
        pictures = [cv2.imread(str(folder / name)) for name in names]
        left, right = (engine.analyze(image, embed=False).faces[0].quality.pose.yaw for image in pictures)

        assert left < -25
        assert right > 25

    def test_survives_landmarks_that_fall_together(self):
        assert np.isfinite(estimate_pose(np.full((5, 2), 9, np.float32)).yaw)


class TestMeasureQuality:
    def test_rarely_complains_about_ordinary_pictures(self, engine, shared_faces):
        complaints = [bool(face.quality.reasons) for face in faces_of(engine, shared_faces, every=4)]

        assert np.mean(complaints) < 0.1

    def test_sees_that_a_picture_was_blurred(self, engine, shared_faces):
        image = frontal(shared_faces)
        sharp = engine.analyze(image, embed=False).faces[0].quality
        soft = engine.analyze(cv2.GaussianBlur(image, (0, 0), 5), embed=False).faces[0].quality

        assert "blurred" not in sharp.reasons
        assert "blurred" in soft.reasons
        assert soft.score < sharp.score

    @pytest.mark.parametrize(("factor", "shift", "code"), [(0.2, 0, "too_dark"), (0.3, 180, "too_bright")])
    def test_sees_bad_light(self, engine, shared_faces, factor, shift, code):
        image = cv2.convertScaleAbs(frontal(shared_faces), alpha=factor, beta=shift)

        assert code in engine.analyze(image, embed=False).faces[0].quality.reasons

    @pytest.mark.parametrize("side", ["left", "right", "bottom"])
    def test_sees_that_a_face_is_cut_off(self, engine, shared_faces, side):
        image = frontal(shared_faces)
        left, top, right, bottom = engine.detect(image)[0].box_xyxy
        inset_x, inset_y = 0.35 * (right - left), 0.35 * (bottom - top)
        cut = {
            "left": image[:, int(left + inset_x) :],
            "right": image[:, : int(right - inset_x)],
            "bottom": image[: int(bottom - inset_y)],
        }[side]

        faces = engine.analyze(np.ascontiguousarray(cut), embed=False).faces

        assert "face_cut_off" in faces[0].quality.reasons

    def test_sees_that_a_face_is_far_away(self, engine, shared_faces):
        small = cv2.resize(frontal(shared_faces), None, fx=0.3, fy=0.3)
        image = cv2.copyMakeBorder(small, 60, 60, 60, 60, cv2.BORDER_CONSTANT)

        assert engine.analyze(image, embed=False).faces[0].quality.reasons[0] == "face_too_small"

    def test_sees_dark_glasses(self, engine, shared_faces):
        image = frontal(shared_faces)
        detection = engine.detect(image)[0]
        for x, y in detection.landmarks[:2]:
            cv2.ellipse(image, (round(float(x)), round(float(y))), (22, 15), 0, 0, 360, (12, 12, 12), -1)

        assert "eyes_hidden" in measure_quality(image, detection, engine.align(image, detection)).reasons

    def test_measures_in_pixels_of_the_full_picture(self):
        image = np.full((400, 400, 3), 130, np.uint8)
        detection = Detection(np.array([100, 120, 220, 300], np.float32), turned(), 0.9)

        measures = take_measures(image, detection, np.full((112, 112, 3), 130, np.uint8))

        assert measures.face_size == 120
        assert measures.inter_eye_distance == pytest.approx(60, abs=0.5)
        assert measures.share_of_picture == pytest.approx(180 / 400)
        assert (measures.brightness, measures.contrast, measures.sharpness) == (130, 0, 0)

    def test_the_border_of_the_picture_makes_no_blurred_face_sharp(self, engine, shared_faces):
        image = cast(Image, cv2.GaussianBlur(frontal(shared_faces), (0, 0), 3))
        detection = engine.detect(image)[0]
        left, top, right, bottom = (round(float(value)) for value in detection.box_xyxy)
        close = np.ascontiguousarray(image[top : bottom + 8, left:right])
        moved = Detection(detection.box_xyxy, detection.landmarks - np.array([left, top], np.float32), 0.9)

        whole = take_measures(image, detection, engine.align(image, detection))
        cut = take_measures(close, moved, engine.align(close, moved))

        assert cv2.Laplacian(engine.align(close, moved), cv2.CV_16S).std() ** 2 > 5 * whole.sharpness
        assert cut.sharpness < 1.5 * whole.sharpness

    def test_counts_the_share_of_the_box_outside(self):
        image = np.zeros((400, 400, 3), np.uint8)
        detection = Detection(np.array([-50, 0, 50, 100], np.float32), turned(), 0.9)

        assert take_measures(image, detection, image[:112, :112]).share_outside == pytest.approx(0.5)

    def test_finds_the_face_of_an_aligned_crop_again(self):
        image = np.zeros((112, 112, 3), np.uint8)
        detection = Detection(np.array([16, 24, 96, 104], np.float32), TEMPLATE, 0.9)

        assert take_measures(image, detection, image).crop_outside == pytest.approx(0.0, abs=1e-6)
        assert take_measures(image[:, :56], detection, image).crop_outside == pytest.approx(0.5)


class TestQualityScore:
    def test_is_one_for_a_face_that_could_not_be_better(self):
        assert quality_score(GOOD) == pytest.approx(1.0)

    @pytest.mark.parametrize(
        "worse",
        [
            {"inter_eye_distance": 20.0},
            {"sharpness": 30.0},
            {"brightness": 40.0},
            {"brightness": 220.0},
            {"pose": Pose(30.0, 0.0, 0.0)},
            {"detection_score": 0.6},
            {"share_outside": 0.3},
        ],
    )
    def test_falls_with_every_property(self, worse):
        assert 0 <= quality_score(dataclasses.replace(GOOD, **worse)) < 0.95

    def test_never_leaves_its_range(self):
        nothing = dataclasses.replace(
            GOOD, inter_eye_distance=0.0, sharpness=0.0, brightness=0.0, share_outside=2.0, pose=Pose(180.0, 180.0, 0.0)
        )

        assert quality_score(nothing) == 0.0


def frontal(shared_faces: Path) -> np.ndarray:
    image = cv2.imread(str(shared_faces / "eval" / "Cindy_Klassen" / "Cindy_Klassen_0001.jpg"))
    assert image is not None
    return image


def faces_of(engine, shared_faces: Path, every: int):
    for path in sorted((shared_faces / "eval").glob("*/*.jpg"))[::every]:
        yield from engine.analyze(cv2.imread(str(path)), embed=False).faces[:1]
