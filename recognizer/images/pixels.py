"""The one call of OpenCV that decodes. What it is given has been walked through before."""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np

from recognizer.images.headers import damaged
from recognizer.types import Image

REDUCTIONS = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
"""By what the sides are divided. Only for JPEG does OpenCV then also decode less."""
BYTES_PER_PIXEL = 3
"""Of OpenCV's picture, and once more of the copy that numpy gets of it (or one that is turned upright)."""


def decode_pixels(data: bytes, reduction: int = 1) -> Image:
    """H x W x 3 uint8 BGR, turned upright as its EXIF orientation says. Raises ImageUndecodable."""
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), REDUCTIONS[reduction])
    except (cv2.error, MemoryError):
        image = None
    if image is None:
        raise damaged()
    return cast(Image, image)
