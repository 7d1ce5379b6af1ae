"""Finding the five landmarks again, more exactly, in an upright cut of each face.

A pack may have a small network for that: `input` (n, 3, 64, 64) float32 BGR 0..255, `landmarks` (n, 10) float32: x and
y of right eye, left eye, nose, right and left corner of the mouth, in pixels of the cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import numpy as np

from recognizer.alignment import SIDE, TEMPLATE, similarity_to_template, warp_face
from recognizer.sessions import Session
from recognizer.types import Detection, Image, Vector

CUT_SIDE = 64
CUT_SCALE = CUT_SIDE / (1.25 * SIDE)
"""The cut shows a quarter more than the aligned crop on each axis: the first landmarks may be off by that."""
CUT_TEMPLATE = (TEMPLATE - SIDE / 2) * np.float32(CUT_SCALE) + np.float32(CUT_SIDE / 2)
"""Where the landmarks lie in a cut if the first ones were right."""


class LandmarkRefiner:
    def __init__(self, session: Session) -> None:
        self._session = session
        self._input = session.get_inputs()[0].name

    def refine(self, image: Image, detections: Sequence[Detection]) -> list[Detection]:
        """The same detections with new landmarks, in pixels of the H x W x 3 BGR picture."""
        if not detections:
            return []
        matrices = [cut_matrix(detection.landmarks) for detection in detections]
        points = self.infer(self.prepare(image, matrices)).reshape(-1, 5, 2)
        return [
            replace(detection, landmarks=(new - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T)
            for detection, new, matrix in zip(detections, points, matrices, strict=True)
        ]

    def prepare(self, image: Image, matrices: Sequence[Vector]) -> Vector:
        """(n, 3, 64, 64) float32."""
        cuts = np.stack([warp_face(image, matrix, CUT_SIDE) for matrix in matrices])
        return np.ascontiguousarray(cuts.transpose(0, 3, 1, 2), np.float32)

    def infer(self, cuts: Vector) -> Vector:
        """The model alone: (n, 10)."""
        return cast(Vector, self._session.run(None, {self._input: cuts})[0])


def cut_matrix(landmarks: Vector) -> Vector:
    """The (2, 3) matrix that takes the picture to the face's cut, by its first (5, 2) landmarks."""
    matrix = similarity_to_template(landmarks) * np.float32(CUT_SCALE)
    matrix[:, 2] += np.float32(CUT_SIDE / 2 - CUT_SCALE * SIDE / 2)
    return matrix
