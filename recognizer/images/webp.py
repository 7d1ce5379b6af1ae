"""WebP (RFC 9649): the walk over the chunks inside of RIFF, as libwebp does it (webp_dec.c)."""

from __future__ import annotations

from struct import Struct

from recognizer.images.headers import Header, animated, damaged, too_costly
from recognizer.images.orientation import MOST_BYTES, read_orientation

MAX_CHUNKS = 1000
_CHUNK = Struct("<4sI")
_ANIMATION_FLAG, _ALPHA_FLAG = 0x02, 0x10
_LOSSLESS_ALPHA = 0x10
"""In the fifth byte of lossless data."""


def is_webp(data: bytes) -> bool:
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def read_webp(data: bytes) -> Header:
    """Raises ImageUndecodable."""
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        raise damaged()
    at, canvas, has_alpha, alpha, exif, found = 12, None, False, b"", b"", None
    for number in range(MAX_CHUNKS):
        if at + 8 > end:
            break
        kind, length = _CHUNK.unpack_from(data, at)
        body, at = at + 8, at + 8 + length + length % 2
        if body + length > end:
            raise damaged()
        if kind in (b"ANIM", b"ANMF"):
            raise animated()
        if kind == b"VP8X":
            canvas = _read_canvas(data[body : body + length], first=number == 0)
            has_alpha = bool(data[body] & _ALPHA_FLAG)
        elif canvas is None and number == 0 and kind not in (b"VP8 ", b"VP8L"):
            raise damaged()
        elif kind == b"ALPH":
            alpha = data[body : body + 1]
        elif kind == b"EXIF":
            exif = exif or data[body : body + min(length, MOST_BYTES)]
        elif kind in (b"VP8 ", b"VP8L") and not found:
            start = data[body : body + min(length, 10)]
            found = kind, _read_size(kind, start)
            has_alpha = has_alpha or (kind == b"VP8L" and bool(start[4] & _LOSSLESS_ALPHA))
    else:
        raise too_costly()
    if found is None:
        raise damaged()
    kind, (width, height) = found
    if canvas not in (None, (width, height)):
        raise damaged()
    # The tables of lossless data grow with what the data says, not with the picture: 295 kB made 365 MB.
    lossless = kind == b"VP8L" or bool(alpha and alpha[0] & 3)
    has_alpha = has_alpha or bool(alpha)
    held = width * height * ((4 if kind == b"VP8L" else 1) + has_alpha)
    return Header(
        width,
        height,
        data,
        working_bytes=held,
        held_bytes=held,
        alpha=has_alpha,
        pixel_bytes=4 if has_alpha else 3,
        orientation=read_orientation(exif),
        bounded=not lossless,
    )


def _read_canvas(body: bytes, *, first: bool) -> tuple[int, int]:
    if len(body) != 10 or not first:
        raise damaged()
    if body[0] & _ANIMATION_FLAG:
        raise animated()
    return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1


def _read_size(kind: bytes, body: bytes) -> tuple[int, int]:
    if kind == b"VP8L" and len(body) >= 5 and body[0] == 0x2F:
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and len(body) >= 10 and body[3:6] == b"\x9d\x01\x2a":
        width, height = int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
        if width and height:
            return width, height
    raise damaged()
