"""BMP (Microsoft's BITMAPINFOHEADER and its successors) without compression: rows of pixels, which take no library."""

from __future__ import annotations

from functools import partial
from struct import Struct

import numpy as np

from recognizer.errors import ImageUndecodable
from recognizer.images.headers import Header, damaged
from recognizer.types import Image

SIGNATURE = b"BM"
_HEADER = Struct("<2xI4xIIiiHHIIiiII")
"""Bytes of the file, where the pixels begin; size of the second header, width, height, planes, bits, compression, bytes
of pixels, resolution, colours of the palette and important ones."""
_PLAIN, _BY_MASKS = 0, 3
_USUAL_MASKS = Struct("<III").pack(0xFF0000, 0xFF00, 0xFF)
_SECOND = 14
"""Where the second header begins."""


def read_bmp(data: bytes) -> Header:
    """Raises ImageUndecodable."""
    if len(data) < _HEADER.size:
        raise damaged()
    _, begins, size, width, height, planes, bits, compression, *_rest, colours, _ = _HEADER.unpack_from(data)
    rows = abs(height)
    if size < 40 or width <= 0 or not rows or planes != 1:
        raise damaged()
    masks, alpha = data[_SECOND + 40 : _SECOND + 52], data[_SECOND + 52 : _SECOND + 56]
    see_through = size >= 56 and any(alpha)  # browsers heed that
    by_masks = (compression, bits, masks) == (_BY_MASKS, 32, _USUAL_MASKS) and not see_through
    usual = compression == _PLAIN or by_masks
    if bits not in (8, 24, 32) or not usual:
        raise ImageUndecodable("This is a BMP file of a rare kind: save it as JPEG and send that.")
    palette = _SECOND + size
    entries = (colours or 256) if bits == 8 else 0
    stride = (width * bits + 31) // 32 * 4
    if entries > 256 or palette + 4 * entries > begins or begins + stride * rows > len(data):
        raise damaged()
    pixels = partial(_pixels, data, begins, (rows, stride, width, bits), palette, entries, upwards=height > 0)
    return Header(width, rows, data, working_bytes=stride * rows, read=pixels)


def _pixels(
    data: bytes, begins: int, shape: tuple[int, int, int, int], palette: int, entries: int, *, upwards: bool
) -> Image:
    """shape: rows, bytes of a row, pixels of a row, bits of a pixel. palette, entries: where it begins, its length."""
    rows, stride, width, bits = shape
    each = bits // 8
    lines = np.frombuffer(data, np.uint8, rows * stride, begins).reshape(rows, stride)[:, : width * each]
    lines = lines[::-1] if upwards else lines
    if bits > 8:
        return np.ascontiguousarray(lines.reshape(rows, width, each)[..., :3])
    colours = np.zeros((256, 3), np.uint8)
    colours[:entries] = np.frombuffer(data, np.uint8, 4 * entries, palette).reshape(entries, 4)[:, :3]
    return colours[lines]
