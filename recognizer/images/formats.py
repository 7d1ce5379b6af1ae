"""Which files are pictures, by name and by their first bytes; and what is said of those that are not read."""

from __future__ import annotations

SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp"})
"""Of files that are read."""
NAMED_SUFFIXES = frozenset({".heic", ".heif", ".avif", ".gif", ".tif", ".tiff", ".jxl", ".jp2", ".psd", ".dng"})
"""Of pictures that are not read, but must not be passed over in silence."""
ACCEPT = "image/jpeg,image/png,image/webp,image/bmp,.jfif"
"""What a browser's file dialog offers."""
READABLE = "JPEG, PNG, WebP or BMP"

_BRANDS = {
    "HEIC": (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"),
    "AVIF": (b"avif", b"avis"),
}
"""Of ISO media files (ISO 23008-12), at their eighth byte."""
_SIGNATURES = {
    b"GIF8": "GIF",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"\0\0\0\x0cJXL ": "JPEG XL",
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cjP  ": "JPEG 2000",
    b"8BPS": "Photoshop",
}


def name_of(data: bytes) -> str:
    """The name of a picture format that is not read; empty: unknown."""
    if data[4:8] == b"ftyp":
        brands = data[8:12] + data[16 : min(int.from_bytes(data[:4], "big"), 64)]
        named = (name for name, known in reversed(_BRANDS.items()) if any(brand in brands for brand in known))
        return next(named, "")
    return next((name for signature, name in _SIGNATURES.items() if data.startswith(signature)), "")


def refusal_of(data: bytes) -> str:
    """The sentence for bytes that are no picture that is read."""
    name = name_of(data)
    if not name:
        return f"This is no picture that can be read: send a {READABLE} file."
    phone = " An iPhone takes JPEGs with Settings > Camera > Formats > Most Compatible." if name == "HEIC" else ""
    return f"{name} pictures cannot be read here: save this one as JPEG and send that.{phone}"
