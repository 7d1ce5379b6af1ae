"""Crops and thumbnails: what the product itself writes."""

from __future__ import annotations

from typing import cast

import cv2

from recognizer.errors import ImageUndecodable
from recognizer.images.decoding import FRAME_LIMITS, decode_image
from recognizer.images.png_writing import write_png
from recognizer.types import Image

CROP_SIDE = 112
"""Pixels of an aligned face: what ArcFace's models take."""


def encode_crop(crop: Image) -> bytes:
    """A (112, 112, 3) uint8 BGR crop as PNG: without loss, so that it can be embedded again after a model change."""
    return write_png(crop)


def decode_crop(data: bytes) -> Image:
    """A crop that encode_crop wrote, as (112, 112, 3) uint8 BGR. Raises ImageError."""
    crop = decode_image(data, FRAME_LIMITS)
    if crop.shape != (CROP_SIDE, CROP_SIDE, 3):
        raise ImageUndecodable(f"A stored crop has {crop.shape[1]} x {crop.shape[0]} pixels, not {CROP_SIDE} squared.")
    return crop


def encode_thumbnail(image: Image, size: int = CROP_SIDE) -> bytes:
    """A H x W x 3 uint8 BGR picture as JPEG, shrunk (never enlarged) until the longer side is at most `size` pixels."""
    height, width = image.shape[:2]
    scale = min(1.0, size / max(height, width))
    if scale < 1.0:
        target = (max(1, round(width * scale)), max(1, round(height * scale)))
        image = cast(Image, cv2.resize(image, target, interpolation=cv2.INTER_AREA))
    done, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 85])
    if not done:
        raise ImageUndecodable("The picture could not be written as JPEG.")
    return encoded.tobytes()
