"""Bounded decoding of untrusted bytes: what a picture takes is known before anything is decoded, or it is refused."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from recognizer import MAX_IMAGE_PIXELS
from recognizer.errors import FrameTooLarge, ImageTooManyPixels, ImageTooSmall, ImageUndecodable
from recognizer.images import bmp, jpeg, png, webp
from recognizer.images.formats import refusal_of
from recognizer.images.headers import Header, damaged
from recognizer.images.isolation import isolated_bytes, workers
from recognizer.images.pixels import REDUCTIONS, decode_on_white, decode_pixels
from recognizer.types import Image


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """What is refused before it is decoded."""

    max_bytes: int
    max_pixels: int
    min_side: int = 32
    """Pixels; a smaller picture has no usable face."""


FRAME_LIMITS = ImageLimits(max_bytes=524_288, max_pixels=2_100_000)
"""One frame of a live stream (docs/protocol.md)."""
UPLOAD_LIMITS = ImageLimits(max_bytes=20 * 1024 * 1024, max_pixels=MAX_IMAGE_PIXELS)
"""A picture that an operator uploads or names on the command line."""
WORKING_BYTES_PER_PIXEL = 7
"""What the libraries may hold per allowed pixel: the three components of a progressive JPEG take 6 in whole blocks."""
DECODING_BYTES = 100 * 1024 * 1024
"""What decoding one picture may add to memory, the picture included."""
UNENDED_PIXELS = 40_000_000
"""A JPEG without an end marker is decoded twice: 289 ms for 50 megapixels, and none may hold a thread over 250."""


def decode_image(data: bytes, limits: ImageLimits = FRAME_LIMITS) -> Image:
    """A JPEG, PNG, WebP or BMP as H x W x 3 uint8 BGR, turned upright as its EXIF orientation says.

    What is transparent shows white. A JPEG of more than 17 megapixels comes at a half, a quarter or an eighth of its
    sides: as large as DECODING_BYTES allow, and large enough for a face that somebody wants to enrol. Raises
    FrameTooLarge, ImageTooManyPixels, ImageTooSmall, ImageUndecodable (each a sentence that says what to do).
    """
    if len(data) > limits.max_bytes:
        raise FrameTooLarge(f"This picture has {len(data)} bytes; at most {limits.max_bytes} are allowed.")
    header = _read_header(data)
    width, height = header.width, header.height
    if width * height > limits.max_pixels:
        raise ImageTooManyPixels(
            f"This picture has {width} x {height} pixels; at most {limits.max_pixels} pixels are allowed."
        )
    if header.working_bytes > WORKING_BYTES_PER_PIXEL * limits.max_pixels:
        raise _too_costly(header)
    if min(width, height) < limits.min_side:
        raise ImageTooSmall(f"This picture has {width} x {height} pixels; each side needs at least {limits.min_side}.")
    reduction = _reduction(header)
    header.check()
    image = _pixels_of(header, reduction)
    height, width = -(-height // reduction), -(-width // reduction)
    if image.shape[:2] not in ((height, width), (width, height)):
        raise damaged()
    return image


def _pixels_of(header: Header, reduction: int) -> Image:
    if header.read:
        return header.read()
    if not header.bounded:
        return workers.decode(header)
    if header.alpha:
        return decode_on_white(header.data, header.orientation)
    if not header.ended:
        if header.width * header.height > UNENDED_PIXELS:
            raise ImageTooManyPixels("The end of this picture is missing: open it, save it anew and send that.")
        return jpeg.decode_unended(header.data, partial(decode_pixels, reduction=reduction))
    return decode_pixels(header.data, reduction)


def _reduction(header: Header) -> int:
    """By what the sides must be divided so that DECODING_BYTES suffice. Raises ImageTooManyPixels."""
    pixels = header.width * header.height
    if not header.bounded:
        if isolated_bytes(header) + 3 * pixels <= DECODING_BYTES:
            return 1
        raise _too_costly(header)
    for reduction in REDUCTIONS if header.reducible else (1,):
        picture = header.pixel_bytes * pixels // reduction**2
        # The library lets go of what it holds before numpy gets a copy of the picture, or it is turned upright.
        if picture + max(picture, header.held_bytes) <= DECODING_BYTES:
            return reduction
    raise _too_costly(header)


def _too_costly(header: Header) -> ImageTooManyPixels:
    return ImageTooManyPixels(
        f"This picture has {header.width} x {header.height} pixels of a costly kind: save it as an ordinary JPEG "
        "(not a progressive one) and send that."
    )


def image_size(data: bytes) -> tuple[int, int]:
    """Width and height from the header, before any rotation. Raises ImageUndecodable."""
    header = _read_header(data)
    header.check()
    return header.width, header.height


def read_file(path: Path, limits: ImageLimits = UPLOAD_LIMITS) -> bytes:
    """A picture's bytes. A file that is too large is refused and not read. Raises FrameTooLarge, OSError."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        data = file.read(limits.max_bytes + 1) if size <= limits.max_bytes else b""
    size = max(size, len(data))  # a pipe has no size of its own
    if size > limits.max_bytes:
        raise FrameTooLarge(f"{path.name} has {size} bytes; a picture may have at most {limits.max_bytes}.")
    return data


def _read_header(data: bytes) -> Header:
    if data.startswith(jpeg.SIGNATURE):
        return jpeg.read_jpeg(data)
    if data.startswith(png.SIGNATURE):
        return png.read_png(data)
    if webp.is_webp(data):
        return webp.read_webp(data)
    if data.startswith(bmp.SIGNATURE):
        return bmp.read_bmp(data)
    raise ImageUndecodable(refusal_of(data))
