"""Where a face's landmarks are, more surely than from one look.

YuNet's landmarks depend on where its cells happen to lie: on LFW they move by 7 % of the eyes' distance (median) when
the picture is turned, shifted and resized a little. The median over many such looks moves by 2.5 %: it is a better
lesson for the student than any single look, and a better reference to measure it by.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from training.boxes import Faces, OnnxDetector
from training.pictures import Image

Array = NDArray[np.float32]

MIRRORED_LANDMARKS = [1, 0, 2, 4, 3]
LEAST_SCORE = 0.4
NEAR = 0.3
"""In another look a face is the same face if its centre moved by less than this share of its larger side."""


def look_again(image: Image, rng: np.random.Generator, *, mirror: bool) -> tuple[Image, NDArray[np.float64]]:
    """The picture resized by a quarter at most, turned by up to 6 degrees and shifted; and the 2 x 3 matrix back."""
    height, width = image.shape[:2]
    scale = float(np.exp(rng.uniform(np.log(0.78), np.log(1.28))))
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), float(rng.uniform(-6, 6)), scale)
    size = (round(width * scale), round(height * scale))
    matrix[:, 2] += (np.array(size) - (width, height)) / 2 + rng.uniform(-8, 8, 2)
    if mirror:
        matrix[0] = -matrix[0] + np.array([0, 0, size[0] - 1])
    view = cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR).astype(np.uint8, copy=False)
    return view, cv2.invertAffineTransform(matrix)


def landmark_error(points: Array, truth: Array) -> float:
    """Mean distance of the five landmarks (5 x 2) from the true ones, over the distance of the eyes."""
    eyes = np.linalg.norm(truth[0] - truth[1])
    return float(np.linalg.norm(points - truth, axis=1).mean() / max(eyes, 1.0))


def steady_landmarks(detector: OnnxDetector, image: Image, faces: Faces, looks: int, seed: int = 0) -> Array:
    """N x 5 x 2: for each face the median of its landmarks over `looks` more looks and the given ones."""
    rng = np.random.default_rng(seed)
    seen = [[landmarks] for landmarks in faces.landmarks]
    centres = faces.landmarks.mean(1)
    reach = NEAR * (faces.boxes[:, 2:] - faces.boxes[:, :2]).max(1, initial=0.0)
    for look in range(looks if len(faces) else 0):
        mirror = bool(look % 2)
        view, back = look_again(image, rng, mirror=mirror)
        found = detector.detect(view, LEAST_SCORE)
        if not len(found):
            continue
        points = found.landmarks @ back[:, :2].T + back[:, 2]
        points = points[:, MIRRORED_LANDMARKS] if mirror else points
        distances = np.linalg.norm(points.mean(1)[None] - centres[:, None], axis=2)
        for row, nearest in enumerate(distances.argmin(1)):
            if distances[row, nearest] < reach[row]:
                seen[row].append(points[nearest])
    return np.array([np.median(points, axis=0) for points in seen], np.float32).reshape(-1, 5, 2)
