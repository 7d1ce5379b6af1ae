"""Stored crops as small JPEGs, for pages and messages."""

from __future__ import annotations

import base64

from recognizer.images import decode_crop, encode_thumbnail


def thumbnail_bytes(crop: bytes | memoryview[int], size: int = 112) -> bytes:
    """A stored crop as a JPEG of `size` x `size` pixels."""
    return encode_thumbnail(decode_crop(bytes(crop)), size)


def thumbnail_url(crop: bytes | memoryview[int], size: int = 112) -> str:
    return jpeg_data_url(thumbnail_bytes(crop, size))


def jpeg_data_url(jpeg: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()
