"""What a walk through a file finds, and how it refuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from recognizer.errors import ImageUndecodable
from recognizer.types import Image


@dataclass(frozen=True, slots=True, eq=False)
class Header:
    """What decoding a picture will take."""

    width: int
    height: int
    """Pixels, before any rotation."""
    data: bytes
    """What the library shall see: the file, or as much of it as decides the pixels."""
    working_bytes: int = 0
    """What the library itself holds or works through beside the picture, at most."""
    held_bytes: int = 0
    """The part of it that is held in memory."""
    reducible: bool = False
    """Whether the library can decode it at a half, a quarter or an eighth of its sides, with less memory and time."""
    alpha: bool = False
    """Parts of it may be transparent."""
    pixel_bytes: int = 3
    """What the library's picture takes per pixel, at most: 4 or 8 with alpha."""
    orientation: int = 1
    """As EXIF counts (1 to 8), where the library does not turn the picture itself: with alpha."""
    ended: bool = True
    """False: the end marker is missing, and what the library would fill in must be looked for."""
    read: Callable[[], Image] | None = None
    """Decodes the picture where that takes no library."""
    bounded: bool = True
    """False: the file may take much more than its header tells."""
    check: Callable[[], None] = lambda: None
    """What is looked at once the size is allowed. Raises ImageUndecodable."""


def damaged() -> ImageUndecodable:
    return ImageUndecodable("This picture is damaged or incomplete: send it again.")


def too_costly() -> ImageUndecodable:
    return ImageUndecodable("This picture takes too much work to read: save it as an ordinary JPEG and send that.")


def animated() -> ImageUndecodable:
    return ImageUndecodable("This is an animation: send a still picture.")
