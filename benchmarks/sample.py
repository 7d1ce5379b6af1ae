"""What the benchmarks work on: real pictures and clips, and galleries of made-up people."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from recognizer.images import SUFFIXES, UPLOAD_LIMITS, decode_image, encode_thumbnail
from recognizer.search.gallery import GallerySnapshot
from recognizer.types import Image, Vector

DEFAULT_FACES = Path(__file__).resolve().parent.parent.parent / "shared" / "faces" / "eval"
CROPS = DEFAULT_FACES.parent / "train" / "crops_112_webp.tar"
"""Aligned faces."""
WIDTH, HEIGHT = 640, 480
"""Pixels of the frames that the live page sends."""
LIVELY = 16
"""Different frames of one picture: the face moves by a few pixels."""


def read_pictures(folder: Path, limit: int) -> list[bytes]:
    """At most `limit` picture files below a folder, evenly spread over its sorted tree. Raises ValueError for none."""
    paths = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in SUFFIXES]
    if not paths:
        raise ValueError(f"There are no pictures in {folder}: name a folder that has some with --faces.")
    step = max(1, len(paths) // max(1, limit))
    return [path.read_bytes() for path in paths[::step][:limit]]


def crops_in(tar: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Names and files of those members that are wanted by their name. Raises OSError, tarfile.TarError."""
    with tarfile.open(tar) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() and wanted(member.name) else None
            if file:
                yield member.name, file.read()


def altered(picture: bytes, way: int) -> bytes:
    """Another file of the same picture: some pixels less on two sides, compressed anew. Way 0: the file itself."""
    if not way:
        return picture
    across, rest = divmod(way, 8)
    image = decode_image(picture, UPLOAD_LIMITS)[rest:, across % 8 :]
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 95 - across // 8 % 20])[1].tobytes()


def picture_around(crop: Image) -> bytes:
    """A JPEG as large as LFW's with an aligned face (112, 112, 3) as large as theirs; around it there is nothing."""
    side, face, soft = 250, 140, 10
    border = (side - face) // 2
    large = cv2.resize(crop, (face, face))
    whole: Any = cv2.copyMakeBorder(large, border, border, border, border, cv2.BORDER_REFLECT_101)
    blurred = cv2.GaussianBlur(whole, (0, 0), soft)  # else the mirrored edges would look like more faces
    inside: Any = np.zeros((side, side), np.float32)
    inside[border + soft : -border - soft, border + soft : -border - soft] = 1
    inside = cv2.GaussianBlur(inside, (0, 0), soft / 2)[..., None]
    picture = (whole * inside + blurred * (1 - inside)).astype(np.uint8)
    return cv2.imencode(".jpg", picture)[1].tobytes()


def make_stream(picture: bytes) -> list[bytes]:
    """LIVELY JPEG frames of WIDTH x HEIGHT from one picture, in the middle and a few pixels off every time."""
    source = decode_image(picture, UPLOAD_LIMITS)
    height = HEIGHT - 2 * LIVELY
    width = min(WIDTH - 2 * LIVELY, round(source.shape[1] * height / source.shape[0]))
    rows = np.linspace(0, source.shape[0] - 1, height).astype(int)
    columns = np.linspace(0, source.shape[1] - 1, width).astype(int)
    large: Image = source[rows][:, columns]
    frames = []
    for shift in range(LIVELY):
        canvas = np.full((HEIGHT, WIDTH, 3), 110, np.uint8)
        left = (WIDTH - width) // 2 + shift - LIVELY // 2
        canvas[shift : shift + height, left : left + width] = large
        frames.append(encode_thumbnail(canvas, WIDTH))
    return frames


def clip_frames(path: Path) -> Iterator[Image]:
    """The frames of an .mjpeg clip as H x W x 3 uint8 BGR, in the clip's size."""
    capture = cv2.VideoCapture(str(path))
    try:
        while True:
            found, image = capture.read()
            if not found:
                return
            yield image  # type: ignore[misc]  # cv2's stubs know no shapes
    finally:
        capture.release()


def random_templates(count: int, dimension: int, seed: int = 7) -> Vector:
    """(count, dimension) float32 unit vectors, drawn evenly from the sphere: strangers to every real probe."""
    vectors = np.random.default_rng(seed).standard_normal((count, dimension), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def build_gallery(count: int, dimension: int, contract_id: str) -> GallerySnapshot:
    """`count` templates of made-up people, five each."""
    people = [f"person-{number // 5}" for number in range(count)]
    rows = (list(range(1, count + 1)), people, random_templates(count, dimension))
    return GallerySnapshot.build(rows, contract_id=contract_id, dimension=dimension, revision=1)
