"""Pictures of every kind, and crooked ones built from segments, chunks and bits."""

from __future__ import annotations

import io
import struct
from typing import Any

import cv2
import numpy as np
from PIL import Image as PilImage

from benchmarks.hostile import chunk, frame_header, png, progressive_bomb, scan_header, segment

__all__ = ["chunk", "frame_header", "png", "progressive_bomb", "scan_header", "segment"]
"""Shared with the benchmark of attacks; what else is here is for tests alone."""


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


# PNG


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
