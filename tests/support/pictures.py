"""Pictures of every kind, and crooked ones built from segments, chunks and bits."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterable, Sequence
from typing import Any

import cv2
import numpy as np
from PIL import Image as PilImage


def picture(width: int = 160, height: int = 120) -> np.ndarray:
    """Soft colours with some noise in them."""
    across, down = np.meshgrid(np.linspace(0, 200, width), np.linspace(0, 200, height))
    noise = np.random.default_rng(3).integers(0, 30, (height, width, 3))
    return (np.dstack([across, down, across[:, ::-1]]) + noise).astype(np.uint8)


def encoded(suffix: str, image: np.ndarray, *parameters: int) -> bytes:
    done, data = cv2.imencode(suffix, image, list(parameters))
    assert done
    return data.tobytes()


def by_pillow(image: np.ndarray, mode: str = "RGB", **options: Any) -> bytes:
    out = io.BytesIO()
    PilImage.fromarray(image[:, :, ::-1].copy()).convert(mode).save(out, **options)
    return out.getvalue()


# JPEG


def segment(marker: int, body: bytes = b"") -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def frame_header(width: int, height: int, marker: int = 0xC0, components: int = 3) -> bytes:
    each = b"".join(bytes([number, 0x11, 0]) for number in range(1, components + 1))
    return segment(marker, struct.pack(">BHHB", 8, height, width, components) + each)


def scan_header(components: Sequence[int] = (1, 2, 3), spectrum: tuple[int, int, int] = (0, 63, 0)) -> bytes:
    each = b"".join(bytes([number, 0]) for number in components)
    return segment(0xDA, bytes([len(components)]) + each + bytes(spectrum))


def progressive_bomb(width: int, height: int, scans: int) -> bytes:
    """One honest scan of means, then scans that say in a few bytes that nothing changes: libjpeg visits every block."""
    blocks = -(-width // 8) * -(-height // 8)
    one_code = bytes([1]) + bytes(15)
    start = b"\xff\xd8" + segment(0xDB, bytes([0]) + bytes([1] * 64)) + frame_header(width, height, 0xC2)
    tables = segment(0xC4, b"\0" + one_code + b"\0") + segment(0xC4, b"\x10" + one_code + b"\xe0")
    means = scan_header(spectrum=(0, 0, 1)) + bytes(3 * blocks // 8 + 1)
    runs = ("0" + "1" * 14) * (blocks // 32767 + 1)
    runs += "0" * (-len(runs) % 8)
    nothing = int(runs, 2).to_bytes(len(runs) // 8, "big").replace(b"\xff", b"\xff\0")
    rest = b"".join(scan_header((1 + number % 3,), (1, 63, 0x10)) + nothing for number in range(scans))
    return start + tables + means + rest + b"\xff\xd9"


# PNG


def chunk(kind: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(chunks: Iterable[bytes], width: int = 100, height: int = 100, *, form: bytes = b"\x08\x02\0\0\0") -> bytes:
    header = chunk(b"IHDR", struct.pack(">II", width, height) + form)
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks)


def png_rows(width: int = 100, height: int = 100) -> bytes:
    """Black, unpacked."""
    return bytes(height * (1 + 3 * width))


def with_chunks(data: bytes, *chunks: bytes) -> bytes:
    """A PNG with more chunks right after its header."""
    return data[:33] + b"".join(chunks) + data[33:]


# WebP


def riff(*chunks: bytes) -> bytes:
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def webp_chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def canvas(width: int, height: int, flags: int = 0) -> bytes:
    sizes = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return webp_chunk(b"VP8X", bytes([flags, 0, 0, 0]) + sizes)


def lossless_bomb(side: int = 1024, groups: int = 65536) -> bytes:
    """A black WebP whose blocks of 4 x 4 pixels each have prefix codes of their own: libwebp keeps 5.6 kB for each."""
    bits = _Bits()
    for value, count in ((0x2F, 8), (side - 1, 14), (side - 1, 14), (0, 4)):
        bits.put(value, count)
    bits.put(0b0001_00, 6)  # no transform, no colour cache, prefix codes by blocks of 4 x 4; those blocks follow:
    bits.put(0, 1)
    for symbols in (280, 256):  # green and red hold the number of a block's group, eight bits each
        _put_byte_codes(bits, symbols)
    bits.put(0b0001_0001_0001, 12)
    for number in range((side // 4) ** 2):
        bits.put(_mirrored(number % groups & 0xFF), 8)
        bits.put(_mirrored(number % groups >> 8), 8)
    for _ in range(groups):
        bits.put(0b0001_0001_0001_0001_0001, 20)  # five codes of one symbol
    return riff(webp_chunk(b"VP8L", bits.bytes() + bytes(8)))


class _Bits:
    """Bits, the least significant first."""

    def __init__(self) -> None:
        self._value = self._count = 0
        self._out = bytearray()

    def put(self, value: int, count: int) -> None:
        self._value |= value << self._count
        self._count += count
        while self._count >= 8:
            self._out.append(self._value & 0xFF)
            self._value, self._count = self._value >> 8, self._count - 8

    def bytes(self) -> bytes:
        return bytes(self._out) + bytes([self._value])


def _put_byte_codes(bits: _Bits, symbols: int) -> None:
    """A prefix code that gives the first 256 symbols eight bits each and the rest none (RFC 9649, 3.7.2.1)."""
    order = (17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8)
    bits.put(0, 1)
    bits.put(len(order) - 4, 4)
    for code in order:
        bits.put(int(code in (8, 18)), 3)
    bits.put(0, 1)
    bits.put(0, 256)  # the length 8, as often as there are bytes
    if symbols > 256:
        bits.put(1, 1)  # a run of zeros
        bits.put(symbols - 256 - 11, 7)


def _mirrored(byte: int) -> int:
    return int(f"{byte:08b}"[::-1], 2)
