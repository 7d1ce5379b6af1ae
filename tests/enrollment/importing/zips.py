"""ZIPs as people, systems and attackers make them."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping


def zipped(files: Mapping[str, bytes], *, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """path -> content; a path that ends with / is a folder."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return out.getvalue()


def with_link(path: str, target: str) -> bytes:
    """A ZIP with one symbolic link, as `zip -y` writes it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        link = zipfile.ZipInfo(path)
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, target)
    return out.getvalue()


def said_otherwise(data: bytes, *, flags: int | None = None, method: int | None = None) -> bytes:
    """The same ZIP whose list of members says other flags, or another method, of each."""
    out, at = bytearray(data), data.find(b"PK\x01\x02")
    while at >= 0:
        if flags is not None:
            struct.pack_into("<H", out, at + 8, flags)
        if method is not None:
            struct.pack_into("<H", out, at + 10, method)
        at = data.find(b"PK\x01\x02", at + 4)
    return bytes(out)


def with_long_list() -> bytes:
    """A ZIP of a few members whose list has nine megabytes, all of them comments."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(140):
            info = zipfile.ZipInfo(f"Ada/{number}.jpg")
            info.comment = b"x" * 65_535
            archive.writestr(info, b"")
    return out.getvalue()
