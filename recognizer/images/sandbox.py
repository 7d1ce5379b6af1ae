"""The other end of isolation.py: one picture after the other, under limits that the kernel keeps.

A picture that takes too much processor time ends this process; one that takes too much memory is refused.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from struct import Struct

import cv2

from recognizer.errors import ImageError
from recognizer.images.pixels import decode_on_white, decode_pixels
from recognizer.types import Image

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

REQUEST = Struct("<QQdB")
"""Bytes of the picture, bytes of memory, seconds of processor time, EXIF's orientation of one with alpha (0: it has
none); then the picture."""
ANSWER = Struct("<II")
"""Height and width, then the pixels; zeros: the picture was refused."""

_SIZES = Path("/proc/self/statm")


def main() -> None:
    cv2.setNumThreads(1)
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as answers:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # no library may write between the answers
        while len(head := sys.stdin.buffer.read(REQUEST.size)) == REQUEST.size:
            size, memory, seconds, orientation = REQUEST.unpack(head)
            image = _decode(sys.stdin.buffer.read(size), memory, seconds, orientation)
            answers.write(ANSWER.pack(0, 0) if image is None else ANSWER.pack(*image.shape[:2]))
            if image is not None:
                answers.write(image.data.cast("B"))
            answers.flush()


def _decode(data: bytes, memory: int, seconds: float, orientation: int) -> Image | None:
    if resource is None:
        return None  # nothing could hold it to its limits
    _limit_memory(memory)
    signal.setitimer(signal.ITIMER_PROF, seconds)  # SIGPROF ends the process
    try:
        return decode_on_white(data, orientation) if orientation else decode_pixels(data)
    except ImageError:
        return None
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        _limit_memory(None)


def _limit_memory(more: int | None) -> None:
    """So many bytes more than now; None: as before. Only Linux tells how many there are now."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if more is None or not _SIZES.exists():
        soft = hard
    else:
        soft = int(_SIZES.read_text().split()[0]) * resource.getpagesize() + more
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


if __name__ == "__main__":
    main()
