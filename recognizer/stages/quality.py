"""How usable one face is for recognition: measured numbers, reasons and one score.

Every rule is one function in RULES, the most important first. Its thresholds stand in the function.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from recognizer.reasons import Reason
from recognizer.stages.alignment import similarity_to_template
from recognizer.stages.checks import NOT_CHECKED, FaceChecks
from recognizer.types import Detection, Image, Pose, Quality, Vector

_POINTS_3D = np.array(
    [[-0.5, 0.0, 0.0], [0.5, 0.0, 0.0], [0.0, 0.547, 0.41], [-0.424, 0.951, 0.05], [0.424, 0.951, 0.05]], np.float64
)
"""The five landmarks of a mean head, in distances between the eyes: x right, y down, z towards the camera.

x and y: YuNet's landmarks of the 129 pictures of ../shared/faces/eval that look into the camera. z: from how far nose
and mouth move sideways in the others while the eyes come closer together (nose: 0.39 to 0.44 at 20 to 40 degrees)."""
_FACE = (16.0, 24.0, 96.0, 104.0)
"""Left, top, right, bottom of the face in the aligned crop."""
_WHOLE = (0.0, 0.0, 112.0, 112.0)
"""The same of all that the crop shows."""
_NEIGHBOURS = np.ones((9, 9), np.uint8)
"""Pixels that a pixel's Laplacian may depend on: the smallest faces are enlarged by 2.2, which smears the border."""
_EYES = (slice(44, 60), (slice(28, 48), slice(64, 84)))
_CHEEKS = (slice(68, 82), (slice(30, 44), slice(68, 82)))
"""Rows and two ranges of columns of the aligned crop."""
_FIT_3D: list[list[float]] = np.linalg.pinv(_POINTS_3D - _POINTS_3D.mean(axis=0)).tolist()
"""(3, 5): from one coordinate of the five landmarks to its gradient along the head's x, y and z. The rows sum to 0, so
the landmarks need no centring."""


@dataclass(frozen=True, slots=True)
class Measures:
    """What the rules judge one face by."""

    face_size: float
    """Shorter side of the box in pixels."""
    inter_eye_distance: float
    """Pixels."""
    share_of_picture: float
    """The larger of box width over picture width and box height over picture height."""
    share_outside: float
    """Share of the box's area outside the picture."""
    crop_outside: float
    """The same for the face of the aligned crop (_FACE): YuNet squeezes the box of a cut-off face into the picture."""
    landmarks_inside: bool
    brightness: float
    """Mean luma of the aligned crop, 0..255."""
    contrast: float
    """Standard deviation of that luma."""
    sharpness: float
    """Variance of the Laplacian of that luma, as far as it lies in the picture."""
    eye_light: float
    """Mean luma around the eyes over mean luma of the cheeks."""
    pose: Pose
    detection_score: float
    checks: FaceChecks


def measure_quality(image: Image, detection: Detection, aligned: Image, checks: FaceChecks = NOT_CHECKED) -> Quality:
    """Judge one face of a H x W x 3 uint8 BGR picture; `aligned` is its (112, 112, 3) crop, `checks` what it shows."""
    measures = take_measures(image, detection, aligned, checks)
    reasons = tuple(code for code, rule in RULES if rule(measures))
    return Quality(
        score=quality_score(measures),
        reasons=reasons,
        pose=measures.pose,
        face_size=measures.face_size,
        inter_eye_distance=measures.inter_eye_distance,
        brightness=measures.brightness,
        contrast=measures.contrast,
        sharpness=measures.sharpness,
    )


def take_measures(image: Image, detection: Detection, aligned: Image, checks: FaceChecks = NOT_CHECKED) -> Measures:
    """Measure one face of a H x W x 3 uint8 BGR picture; `aligned` is its (112, 112, 3) crop."""
    height, width = image.shape[:2]
    box = detection.box_xyxy.tolist()
    box_width, box_height = box[2] - box[0], box[3] - box[1]
    points: list[list[float]] = detection.landmarks.tolist()
    luma = cast(NDArray[np.uint8], cv2.cvtColor(aligned, cv2.COLOR_BGR2GRAY))
    mean, deviation = cv2.meanStdDev(luma)
    reaches_out = _share_outside(_part_of_crop(detection.landmarks, _WHOLE), width, height) > 0
    return Measures(
        face_size=min(box_width, box_height),
        inter_eye_distance=math.dist(points[0], points[1]),
        share_of_picture=max(box_width / width, box_height / height),
        share_outside=_share_outside(box, width, height),
        crop_outside=_share_outside(_part_of_crop(detection.landmarks, _FACE), width, height),
        landmarks_inside=all(0 <= x < width and 0 <= y < height for x, y in points),
        brightness=float(mean[0, 0]),
        contrast=float(deviation[0, 0]),
        sharpness=_sharpness(luma, reaches_out=reaches_out),
        eye_light=_mean_luma(luma, _EYES) / max(_mean_luma(luma, _CHEEKS), 1.0),
        pose=estimate_pose(detection.landmarks),
        detection_score=detection.detection_score,
        checks=checks,
    )


def _share_outside(box: Sequence[float], width: int, height: int) -> float:
    left, top, right, bottom = box
    visible = max(0.0, min(right, width) - max(left, 0.0)) * max(0.0, min(bottom, height) - max(top, 0.0))
    return 1.0 - visible / max((right - left) * (bottom - top), 1e-6)


def _sharpness(luma: NDArray[np.uint8], *, reaches_out: bool) -> float:
    """Variance of the Laplacian of a crop's luma (112, 112).

    reaches_out: part of the crop lies outside the picture and is black. It is left out: its border would be the
    sharpest edge of all (a blurred face that fills the picture had 80 to 700 for that reason, and 51 to 63 without).
    """
    edges = cv2.Laplacian(luma, cv2.CV_16S)
    inside = None
    if reaches_out:
        shown = cv2.threshold(luma, 0, 1, cv2.THRESH_BINARY)[1]
        inside = cv2.erode(shown, _NEIGHBOURS, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return float(cv2.meanStdDev(edges, mask=inside)[1][0, 0] ** 2)


def _part_of_crop(landmarks: Vector, part: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """Left, top, right and bottom in the picture of a part of the aligned crop: moved and scaled back, not rotated."""
    (a, _, shift_x), (b, _, shift_y) = similarity_to_template(landmarks).tolist()
    left, top, right, bottom = part
    x, y = (left + right) / 2 - shift_x, (top + bottom) / 2 - shift_y
    squared = max(a * a + b * b, 1e-9)
    centre_x, centre_y = (a * x + b * y) / squared, (a * y - b * x) / squared
    half = (right - left) / 2 / math.sqrt(squared)
    return centre_x - half, centre_y - half, centre_x + half, centre_y + half


def _mean_luma(luma: NDArray[np.uint8], patches: tuple[slice, tuple[slice, slice]]) -> float:
    rows, columns = patches
    return sum(cv2.mean(luma[rows, part])[0] for part in columns) / len(columns)


def estimate_pose(landmarks: Vector) -> Pose:
    """Yaw, pitch and roll in degrees from (5, 2) landmarks: rough, but almost free.

    Scaled orthographic projection, linear least squares (the POS step of DeMenthon and Davis 1995): the 2 x 3 matrix
    that maps a mean head onto the landmarks holds the first two rows of the rotation times a scale.
    yaw > 0: turned to the person's own left (the picture's right); pitch > 0: looking down; roll > 0: tilted clockwise
    in the picture.
    """
    xs, ys = zip(*landmarks.tolist(), strict=True)  # plain floats: for five points that is faster than numpy
    yaw, pitch = math.asin(_depth_share(xs)), math.asin(_depth_share(ys))
    roll = math.atan2(ys[1] - ys[0], xs[1] - xs[0])
    return Pose(yaw=math.degrees(yaw), pitch=math.degrees(pitch), roll=math.degrees(roll))


def _depth_share(coordinates: Sequence[float]) -> float:
    """z of one row of the rotation (-1..1): how far a coordinate moves with depth, over the length of its gradient."""
    gradient = [sum(map(operator.mul, row, coordinates)) for row in _FIT_3D]
    share: float = gradient[2] / max(math.hypot(*gradient), 1e-9)
    return min(max(share, -1.0), 1.0)


def face_too_small(m: Measures) -> bool:
    return m.face_size < 40 or m.inter_eye_distance < 16


def face_cut_off(m: Measures) -> bool:
    """With 30 % of the box cut away on any side, the median of crop_outside is 0.22 to 0.33; uncut LFW has 0."""
    return m.share_outside > 0.12 or m.crop_outside > 0.2 or not m.landmarks_inside


def face_too_large(m: Measures) -> bool:
    return m.share_of_picture > 0.95


def too_dark(m: Measures) -> bool:
    return m.brightness < 45


def too_bright(m: Measures) -> bool:
    return m.brightness > 200


def blurred(m: Measures) -> bool:
    """Clips enlarged from small GIFs (../shared/faces/webcam) have 19 to 62, LFW 37 to 547 (1st to 99th percentile)."""
    return m.sharpness < 25


def turned_away(m: Measures) -> bool:
    return abs(m.pose.yaw) > 40 or abs(m.pose.pitch) > 40


def tilted(m: Measures) -> bool:
    """Landmarks and embedding hold further (docs/accuracy.md), but at 50 degrees one face in ten is not detected."""
    return abs(m.pose.roll) > 45


def eyes_hidden(m: Measures) -> bool:
    """Dark glasses, or a cap's shadow. Of the 323 eval pictures three are below 0.36 and have these; the next has 0.43.

    Light or mirroring glasses pass.
    """
    return m.eye_light < 0.36


def turned_over(m: Measures) -> bool:
    """On its side or on its head: landmarks, pose and embedding of such a face mean nothing.

    Of the 323 eval pictures none is above 0.004; turned by a half, 97 % of those that are found are above 0.5.
    """
    return m.checks.turned > 0.2


def mouth_hidden(m: Measures) -> bool:
    """By a mask, a scarf or a hand: half of what an embedding is made of."""
    return m.checks.mouth_hidden > 0.5


RULES: tuple[tuple[Reason, Callable[[Measures], bool]], ...] = (
    (Reason.TURNED_OVER, turned_over),
    (Reason.FACE_TOO_SMALL, face_too_small),
    (Reason.FACE_CUT_OFF, face_cut_off),
    (Reason.FACE_TOO_LARGE, face_too_large),
    (Reason.TOO_DARK, too_dark),
    (Reason.TOO_BRIGHT, too_bright),
    (Reason.TURNED_AWAY, turned_away),
    (Reason.TILTED, tilted),
    (Reason.EYES_HIDDEN, eyes_hidden),
    (Reason.MOUTH_HIDDEN, mouth_hidden),
    (Reason.BLURRED, blurred),
)


def quality_score(m: Measures) -> float:
    """0..1: the product of five parts, each 1 when that property could not be better."""
    parts = (
        _ramp(m.inter_eye_distance, 12, 40),
        _ramp(m.sharpness, 5, 120),
        _ramp(m.brightness, 20, 80) * _ramp(255 - m.brightness, 20, 70),
        math.cos(math.radians(min(abs(m.pose.yaw), 90.0))) * math.cos(math.radians(min(abs(m.pose.pitch), 90.0))),
        _ramp(m.detection_score, 0.3, 0.9) * (1.0 - min(max(m.share_outside, m.crop_outside), 1.0)),
    )
    return cast(float, math.prod(parts))


def _ramp(value: float, low: float, high: float) -> float:
    """0 below `low`, 1 above `high`, straight between."""
    return min(max((value - low) / (high - low), 0.0), 1.0)
