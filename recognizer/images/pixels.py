"""The one call of OpenCV that decodes. What it is given has been walked through before."""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np

from recognizer.images.headers import damaged
from recognizer.types import Image


def decode_pixels(data: bytes) -> Image:
    """H x W x 3 uint8 BGR, turned upright as its EXIF orientation says. Raises ImageUndecodable."""
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except (cv2.error, MemoryError):
        image = None
    if image is None:
        raise damaged()
    return cast(Image, image)
