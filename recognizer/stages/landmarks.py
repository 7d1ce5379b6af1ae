"""Finding the five landmarks again, more exactly, in an upright cut of each face.

A pack may have a small network for that. Its input is `input`, (n, 3, 64, 64) float32 BGR 0..255, and its output
`landmarks`, (n, 10) float32: x and y of right eye, left eye, nose, right and left corner of the mouth, in pixels of the
cut.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import cv2
import numpy as np

from recognizer.stages.alignment import SIDE, TEMPLATE, similarity_to_template, warp_face
from recognizer.stages.sessions import Session
from recognizer.types import Detection, Image, Vector

CUT_SIDE = 64
CUT_SCALE = CUT_SIDE / (1.25 * SIDE)
"""Cut pixels per pixel of the aligned crop. The cut shows a quarter more than the crop on each axis, because the first
landmarks may be off by that."""
CUT_TEMPLATE = (TEMPLATE - SIDE / 2) * np.float32(CUT_SCALE) + np.float32(CUT_SIDE / 2)
"""(5, 2): where the landmarks lie in a cut if the first ones were right."""
MOST_LOOKS = 4
"""Looks at one face. Where a look moved the landmarks far, another one follows: YuNet sets the landmarks of a head that
is tilted by 20 degrees as if it were upright, and each cut is nearer to the truth than the one before."""
FAR = 0.08
"""Landmarks that moved further than this have moved far: mean of the five, as a share of the eyes' distance. Most faces
take one look."""


class LandmarkRefiner:
    """The pack's landmark network, applied to what a detector found."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._input = session.get_inputs()[0].name

    def refine(self, image: Image, detections: Sequence[Detection]) -> list[Detection]:
        """The same detections with new (5, 2) landmarks, in pixels of the H x W x 3 uint8 BGR picture."""
        landmarks = [detection.landmarks for detection in detections]
        unsure = list(range(len(detections)))
        for _ in range(MOST_LOOKS):
            if not unsure:
                break
            found = self._look(image, [landmarks[row] for row in unsure])
            before = landmarks.copy()
            for row, points in zip(unsure, found, strict=True):
                landmarks[row] = points
            unsure = [row for row in unsure if _moved(before[row], landmarks[row]) > FAR]
        return [
            Detection(face.box_xyxy, points, face.detection_score)
            for face, points in zip(detections, landmarks, strict=True)
        ]

    def _look(self, image: Image, landmarks: Sequence[Vector]) -> list[Vector]:
        """New (5, 2) landmarks for each face, found in the cut that its present landmarks place."""
        matrices = [cut_matrix(points) for points in landmarks]
        found = self.infer(self.prepare(image, matrices)).reshape(-1, 5, 2)
        return [_taken_back(points, matrix) for points, matrix in zip(found, matrices, strict=True)]

    def prepare(self, image: Image, matrices: Sequence[Vector]) -> Vector:
        """The cuts of a H x W x 3 picture by n (2, 3) matrices, as the model's input (n, 3, 64, 64) float32."""
        return cast(Vector, cv2.dnn.blobFromImages([warp_face(image, matrix, CUT_SIDE) for matrix in matrices]))

    def infer(self, cuts: Vector) -> Vector:
        """The model alone: (n, 10) float32 for cuts (n, 3, 64, 64)."""
        return cast(Vector, self._session.run(None, {self._input: cuts})[0])


def cut_matrix(landmarks: Vector, side: int = CUT_SIDE, scale: float = CUT_SCALE) -> Vector:
    """The (2, 3) float32 matrix that takes the picture to the face's cut, placed by the face's (5, 2) landmarks.

    side: of the cut, in pixels. scale: cut pixels per pixel of the aligned crop; both have the same centre.
    """
    matrix = similarity_to_template(landmarks) * np.float32(scale)
    matrix[:, 2] += np.float32(side / 2 - scale * SIDE / 2)
    return matrix


def _taken_back(points: Vector, matrix: Vector) -> Vector:
    """Points (5, 2) of a cut as points of the picture.

    The inverse of a similarity is its transpose over the square of its scale.
    """
    # Plain floats, here and below: for five points that is faster than numpy.
    (a, _, shift_x), (b, _, shift_y) = matrix.tolist()
    squared = max(a * a + b * b, 1e-12)
    moved = [(x - shift_x, y - shift_y) for x, y in points.tolist()]
    return np.array([((a * x + b * y) / squared, (a * y - b * x) / squared) for x, y in moved], np.float32)


def _moved(before: Vector, after: Vector) -> float:
    """Mean distance from the landmarks (5, 2) before to those after, as a share of the eyes' distance."""
    was, now = before.tolist(), after.tolist()
    eyes = max(math.dist(now[0], now[1]), 1e-6)
    return sum(map(math.dist, was, now)) / len(now) / eyes
