"""A crop as PNG, quicker than OpenCV writes it: ISA-L packs it in a third of zlib's time.

PNG (third edition, https://www.w3.org/TR/png-3/): a signature, then chunks of length, type, data and CRC-32; each line
of pixels begins with its filter's number. Here it is always 2, the difference to the line above.
"""

from __future__ import annotations

import struct
import zlib
from typing import Final

import cv2
import numpy as np
from isal import isal_zlib

from recognizer.images.png import IHDR, SIGNATURE
from recognizer.types import Image

_UP: Final = 2
_AS_IT_IS: Final = (8, 2, 0, 0, 0)
"""Eight bits for each of red, green and blue; packed by deflate, filtered line by line, not interlaced."""


def write_png(image: Image) -> bytes:
    """(h, w, 3) uint8 BGR, without loss."""
    height, width = image.shape[:2]
    rgb = cv2.cvtColor(image, cv2.COLOR_BGR2RGB).reshape(height, 3 * width)
    lines = np.empty((height, 1 + 3 * width), np.uint8)
    lines[:, 0] = _UP
    lines[0, 1:] = rgb[0]
    np.subtract(rgb[1:], rgb[:-1], out=lines[1:, 1:])  # modulo 256, as it should be
    head = IHDR.pack(width, height, *_AS_IT_IS)
    chunks = [(b"IHDR", head), (b"IDAT", isal_zlib.compress(lines.tobytes(), 1)), (b"IEND", b"")]
    return SIGNATURE + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))
