"""Bringing a face upright into 112 x 112 pixels, so that eyes, nose and mouth lie where the embedders expect them."""

from __future__ import annotations

import math
from typing import cast

import cv2
import numpy as np

from recognizer.types import Image, Vector

SIDE = 112
"""Of the aligned crop, in pixels."""
TEMPLATE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]], np.float32
)
"""Where the five landmarks belong, in pixels of the 112 x 112 crop. Source: InsightFace, `arcface_dst` in
python-package/insightface/utils/face_align.py, the template that the ArcFace family of models is trained on."""
SMALLEST_SCALE = 1e-3
"""Crop pixels per picture pixel of a face 100,000 pixels wide. Landmarks that give less do not belong to a face."""
_CENTRE: list[float] = TEMPLATE.mean(axis=0).tolist()
_CENTRED: list[list[float]] = (TEMPLATE - TEMPLATE.mean(axis=0)).tolist()


def similarity_to_template(landmarks: Vector) -> Vector:
    """The (2, 3) float32 matrix that brings (5, 2) landmarks closest to the template by scale, rotation and shift.

    The least-squares solution of Umeyama (1991) in two dimensions without reflection, in closed form: with centred
    points p and targets q, a = sum(p . q) / sum(p . p) and b = sum(p x q) / sum(p . p) make [[a, -b], [b, a]].
    """
    # Plain floats: for five points that is faster than numpy.
    points = landmarks.tolist()
    mean_x, mean_y = sum(x for x, _ in points) / len(points), sum(y for _, y in points) / len(points)
    spread = a = b = 0.0
    for (x, y), (u, v) in zip(points, _CENTRED, strict=True):
        x, y = x - mean_x, y - mean_y
        spread += x * x + y * y
        a += x * u + y * v
        b += x * v - y * u
    spread = max(spread, 1e-6)  # five equal points have no scale; never divide by zero
    a, b = a / spread, b / spread
    shift = (_CENTRE[0] - a * mean_x + b * mean_y, _CENTRE[1] - b * mean_x - a * mean_y)
    return np.array([[a, -b, shift[0]], [b, a, shift[1]]], np.float32)


def align_face(image: Image, landmarks: Vector) -> Image:
    """The face with these (5, 2) landmarks as (112, 112, 3) uint8 BGR on the ArcFace template.

    image: H x W x 3 uint8 BGR. Where the crop reaches over the picture's border it is black.
    """
    return warp_face(image, similarity_to_template(landmarks), SIDE)


def warp_face(image: Image, matrix: Vector, side: int) -> Image:
    """The part of a H x W x 3 picture that the (2, 3) similarity `matrix` takes into a square: (side, side, 3) BGR."""
    scale = math.hypot(float(matrix[0, 0]), float(matrix[1, 0]))
    shrink = int(1 / scale) if scale > SMALLEST_SCALE else 1
    if shrink >= 2:
        image, matrix = _average_pixels(image, matrix, shrink, side)
    return cast(Image, cv2.warpAffine(image, matrix, (side, side), flags=cv2.INTER_LINEAR))


def _average_pixels(image: Image, matrix: Vector, factor: int, side: int) -> tuple[Image, Vector]:
    """The crop's surroundings shrunk by averaging `factor` x `factor` pixels, and the matrix that fits the result.

    Large photographs are noisy, and picking single pixels keeps the noise. On enlarged LFW pictures with a noise of 20
    grey levels the cosine with the original's embedding was 0.91 without averaging and 0.99 with it.
    """
    # Plain floats, as above. The square's corners, taken back to the picture, lie within `reach` of its middle.
    (a, _, shift_x), (b, _, shift_y) = matrix.tolist()
    squared = a * a + b * b
    to_x, to_y = side / 2 - shift_x, side / 2 - shift_y
    middle_x, middle_y = (a * to_x + b * to_y) / squared, (a * to_y - b * to_x) / squared
    reach = side / 2 * (abs(a) + abs(b)) / squared + factor
    left, top = max(int(middle_x - reach), 0), max(int(middle_y - reach), 0)
    width = (min(int(middle_x + reach), image.shape[1]) - left) // factor
    height = (min(int(middle_y + reach), image.shape[0]) - top) // factor
    if min(width, height) < 1:  # hardly anything of the crop lies in the picture
        return image, matrix
    part = image[top : top + height * factor, left : left + width * factor]
    small = cast(Image, cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA))
    x, y = left + (factor - 1) / 2, top + (factor - 1) / 2  # centre of the first small pixel
    moved_x, moved_y = a * x - b * y + shift_x, b * x + a * y + shift_y
    a, b = a * factor, b * factor
    return small, np.array([[a, -b, moved_x], [b, a, moved_y]], np.float32)
