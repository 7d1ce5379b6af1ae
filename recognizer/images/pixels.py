"""The two calls of OpenCV that decode. What they are given has been walked through before."""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from recognizer.images.headers import damaged
from recognizer.images.orientation import turned
from recognizer.types import Image

REDUCTIONS = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
"""By what the sides are divided. Only for JPEG does OpenCV then also decode less."""
STRIP = 64
"""Rows that are laid on white at a time: more would take memory beside the picture."""


def decode_pixels(data: bytes, reduction: int = 1) -> Image:
    """H x W x 3 uint8 BGR, turned upright as its EXIF orientation says. Raises ImageUndecodable."""
    return cast(Image, _decode(data, REDUCTIONS[reduction]))


def decode_on_white(data: bytes, orientation: int) -> Image:
    """A picture with alpha as H x W x 3 uint8 BGR, turned upright. Raises ImageUndecodable.

    What shows through is white, as on a page in a browser and on a passport's photograph. The colours that lie under
    transparent pixels are seen by nobody, so they must not be looked at either.
    orientation: as EXIF counts, 1 to 8; OpenCV does not turn what it decodes with alpha.
    """
    image = _decode(data, cv2.IMREAD_UNCHANGED)
    if image.ndim < 3 or image.shape[2] < 4:  # it had none after all
        return decode_pixels(data)
    return turned(_on_white(image), orientation)


def _decode(data: bytes, flags: int) -> NDArray[np.uint8] | NDArray[np.uint16]:
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except (cv2.error, MemoryError):
        image = None
    if image is None:
        raise damaged()
    return cast(NDArray[np.uint8], image)


def _on_white(image: NDArray[np.uint8] | NDArray[np.uint16]) -> Image:
    """H x W x 4, 8 or 16 bits, as H x W x 3 uint8: colour * alpha + 255 * (1 - alpha)."""
    laid = np.empty((*image.shape[:2], 3), np.uint8)
    for top in range(0, len(image), STRIP):
        strip = image[top : top + STRIP]
        if strip.dtype == np.uint16:
            strip = (strip >> 8).astype(np.uint8)
        colours, alpha = cv2.cvtColor(strip, cv2.COLOR_BGRA2BGR), cv2.merge([strip[..., 3]] * 3)
        laid[top : top + STRIP] = cv2.add(cv2.multiply(colours, alpha, scale=1 / 255), cv2.bitwise_not(alpha))
    return laid
