"""Reading pictures: an error instead of OpenCV's silent None."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""H x W x 3, BGR."""


def read_picture(path: Path) -> Image:
    """H x W x 3 BGR. Raises OSError where the file cannot be read, ValueError where OpenCV cannot decode it."""
    return decode_picture(path.read_bytes(), str(path))


def decode_picture(data: bytes, name: str) -> Image:
    """H x W x 3 BGR of an encoded picture. Raises ValueError where OpenCV cannot decode it."""
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"{name}: not a picture that OpenCV can decode")
    return image.astype(np.uint8, copy=False)
