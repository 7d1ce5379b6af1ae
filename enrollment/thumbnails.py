"""Stored crops as small JPEGs, for pages and messages."""

from __future__ import annotations

import base64
from functools import cache

import numpy as np

from recognizer.errors import ImageError
from recognizer.images import decode_crop, encode_thumbnail


def thumbnail_bytes(crop: bytes | memoryview[int], size: int = 112) -> bytes:
    """A stored crop as a JPEG of `size` x `size` pixels. Raises ImageError."""
    return encode_thumbnail(decode_crop(bytes(crop)), size)


def shown_bytes(crop: bytes | memoryview[int], size: int = 112) -> bytes:
    """thumbnail_bytes() for pages: a damaged crop is shown as a placeholder, so that the rest can be used.

    `manage.py doctor` names the damaged ones.
    """
    try:
        return thumbnail_bytes(crop, size)
    except ImageError:
        return placeholder_bytes(size)


@cache
def placeholder_bytes(size: int = 112) -> bytes:
    """A grey head and shoulders, struck through."""
    y, x = np.mgrid[:112, :112]
    image = np.full((112, 112, 3), 222, np.uint8)
    image[(x - 56) ** 2 + (y - 44) ** 2 < 20**2] = 160
    image[((x - 56) / 38) ** 2 + ((y - 112) / 40) ** 2 < 1] = 160
    image[(abs(x + y - 112) < 4) & (abs(x - 56) < 40)] = 96
    return encode_thumbnail(image, size)


def thumbnail_url(crop: bytes | memoryview[int], size: int = 112) -> str:
    return jpeg_data_url(shown_bytes(crop, size))


def jpeg_data_url(jpeg: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()
