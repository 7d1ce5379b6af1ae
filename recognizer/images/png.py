"""PNG (W3C PNG, third edition): the walk over all chunks, and what of them libpng is shown.

libpng unpacks compressed text and profiles, and whatever follows the last row, up to a thousand times their size. None
of that decides a pixel, so none of it is handed on.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from functools import partial
from struct import Struct

from recognizer.images.headers import Header, animated, damaged, too_costly
from recognizer.images.orientation import MOST_BYTES, read_orientation

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_CHUNKS = 6000
"""The largest file allowed has 2,560 chunks of data as libpng cuts them (8 kB each)."""
MAX_RATIO = 1032
"""Bytes that one byte of deflated data can stand for (zlib's technical notes)."""
SLACK = 1 << 16
"""Bytes after the last row that do no harm."""
MAX_UNPACKED = 25_000_000
"""Bytes of rows, 8.3 megapixels of ordinary colour: to unpack them twice and filter them takes 0.25 s."""
UNCHECKED_DATA = 1 << 16
"""A body up to this many bytes unpacks to 68 MB at most, which takes 0.15 s: not worth unpacking twice."""

_CHUNK = Struct(">I4s")
IHDR = Struct(">IIBBBBB")
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_WITH_ALPHA, _COLOURED = (4, 6), (2, 3)
_MARKS = frozenset({b"tRNS", b"eXIf"})
_SHOWN = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"eXIf", b"IEND"})
_ANIMATION = frozenset({b"acTL", b"fcTL", b"fdAT"})
_CRITICAL = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND"})


def read_png(data: bytes) -> Header:
    """Raises ImageUndecodable."""
    shown, packed, marks = _walk(data)
    width, height, depth, colour, compression, filters, interlace = IHDR.unpack_from(data, 16)
    if not 0 < width < 1 << 31 or not 0 < height < 1 << 31 or depth not in _DEPTHS.get(colour, ()):
        raise damaged()
    if compression or filters or interlace > 1:
        raise damaged()
    row = (width * depth * _CHANNELS[colour] + 7) // 8
    # A grey picture's transparency is one of its greys: nothing can be hidden under that, and OpenCV keeps it grey.
    alpha = colour in _WITH_ALPHA or (colour in _COLOURED and b"tRNS" in marks)
    return Header(
        width,
        height,
        shown,
        working_bytes=row * height,
        alpha=alpha,
        pixel_bytes=depth // 8 * 4 if alpha and depth > 8 else 4 if alpha else 3,
        orientation=read_orientation(marks.get(b"eXIf", b"")),
        check=partial(_check_body, packed, height, row),
    )


def _walk(data: bytes) -> tuple[bytes, Sequence[memoryview], Mapping[bytes, bytes]]:
    """What libpng is shown, the bodies of the IDAT chunks, and the beginnings of tRNS and eXIf."""
    view = memoryview(data)
    at, last = len(SIGNATURE), b""
    shown = [view[:at]]
    packed: list[memoryview] = []
    marks: dict[bytes, bytes] = {}
    for _ in range(MAX_CHUNKS):
        if at + 12 > len(data):
            raise damaged()
        length, kind = _CHUNK.unpack_from(data, at)
        end = at + 12 + length
        if end > len(data) or not _fits(kind, length, last, bool(packed)):
            raise damaged()
        if kind in _ANIMATION:
            raise animated()
        if kind in _SHOWN:
            shown.append(view[at:end])
        if kind in _MARKS:
            marks.setdefault(kind, bytes(view[at + 8 : min(end - 4, at + 8 + MOST_BYTES)]))
        if kind == b"IDAT":
            packed.append(view[at + 8 : end - 4])
        if kind == b"IEND":
            break
        at, last = end, kind
    else:
        raise too_costly()
    if not packed:
        raise damaged()
    whole = sum(map(len, shown)) == end
    return data if whole else b"".join(shown), packed, marks


def _fits(kind: bytes, length: int, last: bytes, data_seen: bool) -> bool:
    """IHDR comes first and once, all IDAT chunks follow each other, and no unknown chunk decides anything."""
    if not last or kind == b"IHDR":
        return not last and kind == b"IHDR" and length == 13
    if kind == b"IDAT":
        return last == b"IDAT" or not data_seen
    return kind.isalpha() and (bool(kind[0] & 0x20) or kind in _CRITICAL)


def _check_body(packed: Sequence[memoryview], height: int, row: int) -> None:
    """The body unpacks to all rows, and to hardly more."""
    if row * height > MAX_UNPACKED:
        raise too_costly()
    packed_bytes = sum(map(len, packed))
    if packed_bytes * MAX_RATIO < row * height:
        raise damaged()
    if packed_bytes > UNCHECKED_DATA:
        _check_unpacked_size(packed, height * (row + 4) + SLACK)  # a row begins with a byte; interlaced, there are more


def _check_unpacked_size(packed: Sequence[memoryview], most: int) -> None:
    stream, size = zlib.decompressobj(), 0
    for body in packed:
        for start in range(0, len(body), SLACK):
            piece: bytes | memoryview = body[start : start + SLACK]
            while piece and not stream.eof:
                try:
                    size += len(stream.decompress(piece, 1 << 20))
                except zlib.error:
                    raise damaged() from None
                if size > most:
                    raise too_costly()
                piece = stream.unconsumed_tail
