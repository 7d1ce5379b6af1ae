"""JPEG (ITU T.81): the walk from marker to marker, up to the end marker, as libjpeg does it (jdmarker.c)."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from recognizer.images.headers import Header, damaged, too_costly
from recognizer.types import Image

SIGNATURE = b"\xff\xd8\xff"
MAX_SEGMENTS = 2000
"""The largest file allowed, cut into full segments, has 320; a progressive picture has a few per scan."""
MAX_SCANS = 64
"""Encoders write about ten."""
MAX_VISITS = 6
"""Scans per block, on average: as many as libjpeg's own script for one component has; of three it has 4 to 5.4."""
FREE_VISITS = 2_100_000
"""Below so many visits of blocks nobody waits: each takes at most 0.08 us, so 64 scans of a live frame take 0.17 s."""
MOST_VISITS = 3_100_000
"""In 0.25 s; an ordinary progressive picture of 24 megapixels has 3,000,000."""

# What libjpeg's next_marker() takes for the next marker that matters, in headers and in scan data alike: stray bytes,
# stuffed zeros (FF 00), fill bytes (FF FF), and the markers that stand alone (TEM, RST0 to RST7) are passed over.
_NEXT_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")
_BASELINE, _EXTENDED, _PROGRESSIVE = 0xC0, 0xC1, 0xC2
"""The frames that browsers know; arithmetic coding and lossless frames are refused."""
_SCAN, _END = 0xDA, 0xD9
_ALL_COEFFICIENTS = (1 << 64) - 1
_TAILS = tuple(
    b"".join(8 * filler + bytes([0xFF, 0xD0 + number]) for number in range(8)) + 8 * filler + b"\xff\xd9"
    for filler in (b"\0", b"\xaa")
)
"""Two endings. All restart markers are in them: between two of those libjpeg takes nothing for pixels."""
_WITHOUT_EFFECT = frozenset({0xC4, 0xCC, 0xDB, 0xDC, 0xDD, 0xFE, *range(0xE0, 0xF0)})
"""DHT, DAC, DQT, DNL, DRI, COM, APP0 to APP15: they change neither size nor the number of scans."""


@dataclass(frozen=True, slots=True)
class _Frame:
    width: int
    height: int
    progressive: bool
    blocks: Mapping[int, int]
    """Of 8 x 8 coefficients, by component."""
    missing: dict[int, int]
    """By component, a bit for each coefficient that no scan so far has told to the last bit."""

    @property
    def all_blocks(self) -> int:
        return sum(self.blocks.values())


def read_jpeg(data: bytes) -> Header:
    """Raises ImageUndecodable. An end marker may be missing (see decode_unended), but no scan."""
    frame: _Frame | None = None
    at, scan_starts, scan_bytes, scans, visits, buffered, ended = 2, 0, 0, 0, 0, False, True
    for _ in range(MAX_SEGMENTS):
        found = _NEXT_MARKER.search(data, at)
        if scan_starts:
            scan_bytes, scan_starts = scan_bytes + (found.start() if found else len(data)) - scan_starts, 0
        if found is None:
            ended = False
            break
        marker, at = data[found.start() + 1], found.end()
        if marker == _END:
            break
        length = int.from_bytes(data[at : at + 2], "big")
        if length < 2 or at + length > len(data):
            raise damaged()
        body, at = at + 2, at + length
        if marker == _SCAN and frame:
            names = _scan_components(data[body:at], frame)
            scans, scan_starts = scans + 1, at
            visits += sum(frame.blocks[name] for name in names)
            buffered = buffered or frame.progressive or len(names) < len(frame.blocks)
            _strike_out(frame, names, *data[at - 3 : at])
        elif marker in (_BASELINE, _EXTENDED, _PROGRESSIVE) and not frame:
            frame = _read_frame(data[body:at], progressive=marker == _PROGRESSIVE)
        elif marker not in _WITHOUT_EFFECT:
            raise damaged()
    else:
        raise too_costly()
    if frame is None or not scans or not (ended or not any(frame.missing.values())):
        raise damaged()
    coefficients = 128 * frame.all_blocks if buffered else 0  # several scans are collected, 16 bits each
    return Header(
        frame.width,
        frame.height,
        data,
        working_bytes=coefficients,
        held_bytes=coefficients + (0 if ended else len(data)),
        reducible=True,
        ended=ended,
        check=partial(_check_scans, frame, scans, visits if ended else 2 * visits, scan_bytes),
    )


def decode_unended(data: bytes, decode: Callable[[bytes], Image]) -> Image:
    """A JPEG without an end marker, if nothing else is missing. Raises ImageUndecodable.

    Browsers show such pictures, but libjpeg also fills up what is missing and says nothing. Where all pixels are there,
    it makes no difference what follows them. So it is decoded with two endings.
    """
    trimmed = data.rstrip(b"\0")  # an interrupted copy ends with zeros, which would be taken for pixels
    data = trimmed + b"\0" if len(trimmed) < len(data) else data.rstrip(b"\xff")
    one, other = _TAILS
    expected = zlib.crc32(decode(data + one).data)
    image = decode(data + other)
    if zlib.crc32(image.data) != expected:
        raise damaged()
    return image


def _check_scans(frame: _Frame, scans: int, visits: int, scan_bytes: int) -> None:
    if scans > MAX_SCANS or visits > min(MOST_VISITS, max(FREE_VISITS, MAX_VISITS * frame.all_blocks)):
        raise too_costly()
    # A block takes at least one bit for its mean and, where its scan is the only one, one more for its end.
    if 8 * scan_bytes < frame.all_blocks * (1 if frame.progressive else 2):
        raise damaged()


def _read_frame(body: bytes, *, progressive: bool) -> _Frame:
    if len(body) < 6 or body[0] != 8 or body[5] not in (1, 3, 4) or len(body) != 6 + 3 * body[5]:
        raise damaged()
    height, width = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")
    names, across, down = body[6::3], [pair >> 4 for pair in body[7::3]], [pair & 15 for pair in body[7::3]]
    if not (width and height and len(set(names)) == len(names) and _are_factors(across) and _are_factors(down)):
        raise damaged()
    unit_width, unit_height = 8 * max(across), 8 * max(down)
    blocks = {
        name: -(-width * right // unit_width) * -(-height * below // unit_height)
        for name, right, below in zip(names, across, down, strict=True)
    }
    return _Frame(width, height, progressive, blocks, dict.fromkeys(blocks, _ALL_COEFFICIENTS))


def _are_factors(values: Sequence[int]) -> bool:
    return min(values) >= 1 and max(values) <= 4


def _scan_components(body: bytes, frame: _Frame) -> bytes:
    """The names of a scan's components."""
    count = body[0] if body else 0
    names = body[1 : 1 + 2 * count : 2]
    if len(body) != 4 + 2 * count or not 1 <= count == len(set(names)) or not frame.blocks.keys() >= set(names):
        raise damaged()
    return names


def _strike_out(frame: _Frame, names: bytes, first: int, last: int, bits: int) -> None:
    """What a scan tells to the last bit is missing no more. first, last: coefficients of a progressive scan."""
    told = max(0, (2 << last) - (1 << first)) if frame.progressive else _ALL_COEFFICIENTS
    if frame.progressive and bits & 15:
        return  # lower bits are left for another scan
    for name in names:
        frame.missing[name] &= ~told
