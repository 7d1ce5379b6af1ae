"""Fake webcams: clips and still pictures as .y4m files, which Chromium plays for ever in place of a camera."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from benchmarks.sample import clip_frames
from recognizer.types import Image

__all__ = ["clip_frames", "fit", "jpeg", "write_y4m"]

WIDTH, HEIGHT = 640, 480  # exactly what the pages ask for: Chromium would scale anything else


def jpeg(image: Image, quality: int = 80) -> bytes:
    """As the pages encode a frame."""
    encoded, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert encoded
    return data.tobytes()


def write_y4m(target: Path, frames: Iterable[Image], *, frames_per_second: int = 15) -> Path:
    with target.open("wb") as stream:
        stream.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{frames_per_second}:1 Ip A1:1 C420jpeg\n".encode())
        for frame in frames:
            stream.write(b"FRAME\n" + cv2.cvtColor(fit(frame), cv2.COLOR_BGR2YUV_I420).tobytes())
    return target


def fit(image: Image) -> Image:
    """Scaled to cover WIDTH x HEIGHT and cropped around the centre, as webcams do."""
    height, width = image.shape[:2]
    scale = max(WIDTH / width, HEIGHT / height)
    size = max(WIDTH, round(width * scale)), max(HEIGHT, round(height * scale))
    scaled = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    left, top = (size[0] - WIDTH) // 2, (size[1] - HEIGHT) // 2
    return np.ascontiguousarray(scaled[top : top + HEIGHT, left : left + WIDTH], dtype=np.uint8)
