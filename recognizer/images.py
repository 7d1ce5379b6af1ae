"""Bounded decoding of untrusted bytes: format, byte count and pixel count are checked before anything is decoded.

The sizes come from the files' own headers: JPEG (ITU T.81 B.2.2), PNG (W3C PNG 11.2.2), WebP (RFC 9649).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np

from recognizer.errors import FrameTooLarge, ImageTooManyPixels, ImageTooSmall, ImageUndecodable
from recognizer.types import Image


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """A picture outside these limits is refused before it is decoded."""

    max_bytes: int
    max_pixels: int
    min_side: int = 32
    """Pixels; a smaller picture has no usable face."""


FRAME_LIMITS = ImageLimits(max_bytes=524_288, max_pixels=2_100_000)
"""One frame of a live stream (docs/protocol.md)."""
UPLOAD_LIMITS = ImageLimits(max_bytes=20 * 1024 * 1024, max_pixels=40_000_000)
"""A picture that an operator uploads or names on the command line."""
CROP_SIDE = 112
"""Pixels of an aligned face: what ArcFace's models take."""

_JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""JPEG's start-of-frame markers; the three left out begin tables."""


def decode_image(data: bytes, limits: ImageLimits = FRAME_LIMITS) -> Image:
    """A JPEG, PNG or WebP as H x W x 3 uint8 BGR, turned upright as its EXIF orientation says.

    Raises FrameTooLarge, ImageTooManyPixels, ImageTooSmall or ImageUndecodable. Each text is a sentence for the person.
    """
    if len(data) > limits.max_bytes:
        raise FrameTooLarge(f"This picture has {len(data)} bytes; at most {limits.max_bytes} are allowed.")
    width, height = image_size(data)
    if width * height > limits.max_pixels:
        raise ImageTooManyPixels(
            f"This picture has {width} x {height} pixels; at most {limits.max_pixels} pixels are allowed."
        )
    if min(width, height) < limits.min_side:
        raise ImageTooSmall(f"This picture has {width} x {height} pixels; each side needs at least {limits.min_side}.")
    return _decode(data)


def image_size(data: bytes) -> tuple[int, int]:
    """(width, height) in pixels from the file's header, before any rotation. Raises ImageUndecodable."""
    if data.startswith(b"\xff\xd8\xff"):
        size = _jpeg_size(data)
    elif data.startswith(b"\x89PNG\r\n\x1a\n"):
        size = _png_size(data)
    elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        size = _webp_size(data)
    else:
        raise ImageUndecodable("This is no picture that can be read: send a JPEG, PNG or WebP file.")
    if size is None or 0 in size:
        raise ImageUndecodable("This picture is damaged or incomplete: send it again.")
    return size


def encode_crop(crop: Image) -> bytes:
    """A (112, 112, 3) uint8 BGR crop as PNG: without loss, so that it can be embedded again after a model change."""
    return _encode(".png", crop, [cv2.IMWRITE_PNG_COMPRESSION, 6])


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
    return _encode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 85])


def _encode(suffix: str, image: Image, parameters: list[int]) -> bytes:
    done, encoded = cv2.imencode(suffix, image, parameters)
    if not done:
        raise ImageUndecodable(f"The picture could not be written as {suffix}.")
    return encoded.tobytes()


def _decode(data: bytes) -> Image:
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        image = None
    if image is None:
        raise ImageUndecodable("This picture is damaged or incomplete: send it again.")
    return cast(Image, image)


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Walks the segments to the frame header; None unless scan data and the end marker follow.

    libjpeg fills the missing part of a truncated file with grey and says nothing, so completeness is checked here.
    Inside scan data 0xFF is always followed by 0x00 or a marker, so the first FF D9 after the scan's start is the end.
    """
    size, at = None, 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xDA:
            return size if data.find(b"\xff\xd9", at + length) >= 0 else None
        if marker in _JPEG_SIZES:
            header = data[at + 5 : at + 9]
            size = int.from_bytes(header[2:4], "big"), int.from_bytes(header[0:2], "big")
        at += 2 + length
    return None


def _png_size(data: bytes) -> tuple[int, int] | None:
    if data[12:16] != b"IHDR" or data.find(b"IEND", 33) < 0:
        return None
    return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")


def _webp_size(data: bytes) -> tuple[int, int] | None:
    if int.from_bytes(data[4:8], "little") + 8 > len(data):
        return None
    kind, body = data[12:16], data[20:30]
    if len(body) < 10:
        return None
    if kind == b"VP8X":
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if kind == b"VP8L" and body[0] == 0x2F:
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
        return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
    return None
