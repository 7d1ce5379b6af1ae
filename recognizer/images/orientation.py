"""EXIF's orientation (CIPA DC-008, 4.6.4): read and undone here only for pictures with alpha, where OpenCV does not."""

from __future__ import annotations

from struct import Struct
from typing import cast

import cv2

from recognizer.types import Image

MOST_BYTES = 1 << 16
"""Of EXIF data that are looked at, as in a JPEG's segment."""
_ORIENTATION = 0x0112
_TURNS: dict[int, tuple[bool, int | None]] = {
    2: (False, 1), 3: (False, -1), 4: (False, 0), 5: (True, None), 6: (True, 1), 7: (True, -1), 8: (True, 0),
}  # fmt: skip
"""Whether rows and columns change places, and then OpenCV's number of a flip."""


def read_orientation(exif: bytes) -> int:
    """1 to 8; 1 where nothing else is said. exif: a TIFF header and its first directory."""
    exif = exif.removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if order is None or len(exif) < 8:
        return 1
    start = Struct(order + "I").unpack_from(exif, 4)[0]
    count = int.from_bytes(exif[start : start + 2], "little" if order == "<" else "big")
    entry = Struct(order + "HHIH")
    for at in range(start + 2, min(start + 2 + 12 * count, len(exif) - 11), 12):
        tag, kind, length, value = entry.unpack_from(exif, at)
        if (tag, kind, length) == (_ORIENTATION, 3, 1):
            return value if value in _TURNS else 1
    return 1


def turned(image: Image, orientation: int) -> Image:
    """A H x W x 3 uint8 picture as it shall be seen; orientation as EXIF counts."""
    swap, flip = _TURNS.get(orientation, (False, None))
    if swap:
        image = cast(Image, cv2.transpose(image))
    return image if flip is None else cast(Image, cv2.flip(image, flip))
