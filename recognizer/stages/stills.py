"""Finding faces in stills, which may be much larger than a frame and show people from afar.

The detector sees a picture at 320 pixels, where a face of 120 pixels in a photograph of 24 megapixels has six left. So
where that look finds no large face, a still is looked at again at half its size, tile by tile: memory stays that of a
tile. Measured on 6000 x 4000 pixels (python -m benchmarks.afar): docs/accuracy.md.

And a picture that was cut within the face shows no outline of it. Where nobody is found, it is looked at again with a
margin around it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import cast

import cv2
import numpy as np

from recognizer.stages.detection import YuNetDetector, area_of, keep_best
from recognizer.types import Detection, Image, Vector

TILE = 640
"""Pixels: the side of a tile, which the detector sees as it is."""
OVERLAP = 160
"""Pixels that neighbouring tiles share: what is larger has been found by the first look."""
CLOSER = 0.5
"""Of the picture's sides at the closer look: a face of 40 pixels, the smallest that is of use, then has 20."""
CLOSEST = 1600
"""Pixels of the longer side at the closer look, at most."""
PLAINLY_LARGE = 0.15
"""A face that takes this share of the picture's longer side is what the picture is about: nobody looks closer."""
SURE = 0.8
"""Detection score from which a face of the first look counts as one that is there: large ones score 0.9."""
MARGIN = 0.4
"""Of the longer side, on each side of a picture in which nobody was found (python -m benchmarks.close)."""
FILLS, PLAIN = 0.6, 0.7
"""Share of the picture that such a face takes, and its detection score. Turned by quarters, a cup of coffee and the
moon have 0.65 and 0.67 with the starter detector."""
FAR_BEHIND = 1 / 3
"""A face that only the closer look finds counts from this share of the largest on: others stand in the background."""


class StillDetector:
    """A detector of frames, and closer looks of it at large pictures."""

    def __init__(self, detector: YuNetDetector) -> None:
        self._detector = detector
        self._plain = detector.resized(detector.size)
        self._closer = detector.resized(TILE)

    def detect(self, image: Image) -> list[Detection]:
        """All faces of a H x W x 3 uint8 BGR picture, the largest first, in pixels of that picture."""
        found = self._detector.detect(image) or self._look_with_margin(image)
        longer = max(image.shape[:2])
        largest = max((_side(face) for face in found if face.detection_score >= SURE), default=0.0)
        if CLOSER * longer <= self._detector.size or largest >= PLAINLY_LARGE * longer:
            return found
        closer = self._look_closer(image, min(CLOSER, CLOSEST / longer))
        both = [*found, *(face for face in closer if _side(face) >= FAR_BEHIND * largest)]
        # The first look's faces stay as they were: a closer one only adds.
        kept = keep_best(
            [face.box_xyxy.tolist() for face in both],
            [face.detection_score + (at < len(found)) for at, face in enumerate(both)],
        )
        new = self._detector.refined(image, [both[at] for at in kept if at >= len(found)])
        return sorted([*found, *new], key=area_of, reverse=True)

    def _look_with_margin(self, image: Image) -> list[Detection]:
        """A face that fills the picture from edge to edge, if there is one."""
        height, width = image.shape[:2]
        scale = min(1.0, self._detector.size / ((1 + 2 * MARGIN) * max(height, width)))
        small = cast(Image, cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
        border = round(MARGIN * max(small.shape[:2]))
        wide = cv2.copyMakeBorder(small, border, border, border, border, cv2.BORDER_CONSTANT, value=(127, 127, 127))
        corner = np.array([-border, -border], np.float32)
        found = [_in_picture(face, corner, scale) for face in self._plain.detect(cast(Image, wide))]
        return self._detector.refined(image, [face for face in found if _is_plain(face, image)])

    def _look_closer(self, image: Image, scale: float) -> list[Detection]:
        height, width = (round(scale * side) for side in image.shape[:2])
        small = cast(Image, cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA))
        return [
            _in_picture(face, corner, scale) for corner, tile in _tiles(small) for face in self._closer.detect(tile)
        ]


def _in_picture(face: Detection, corner: Vector, scale: float) -> Detection:
    """A face of a part of a picture that was made `scale` times as large; corner: (x, y) float32, where it begins."""
    box, landmarks = _moved(face.box_xyxy.reshape(2, 2), corner, scale).ravel(), _moved(face.landmarks, corner, scale)
    return replace(face, box_xyxy=box, landmarks=landmarks)


def _moved(points: Vector, corner: Vector, scale: float) -> Vector:
    """Points (n, 2) of a tile as points of the picture."""
    return cast(Vector, (points + corner) / np.float32(scale))


def _tiles(image: Image) -> Iterator[tuple[Vector, Image]]:
    """The corner (x, y) of each tile, float32, and the tile."""
    height, width = image.shape[:2]
    for top in _starts(height):
        for left in _starts(width):
            yield np.array([left, top], np.float32), image[top : top + TILE, left : left + TILE]


def _starts(length: int) -> Sequence[int]:
    """Where the tiles begin along a side."""
    count = max(1, math.ceil((length - OVERLAP) / (TILE - OVERLAP)))
    return [int(start) for start in np.linspace(0, max(0, length - TILE), count)]


def _side(face: Detection) -> float:
    """The shorter side of the box, in pixels."""
    left, top, right, bottom = face.box_xyxy.tolist()
    return float(min(right - left, bottom - top))


def _is_plain(face: Detection, image: Image) -> bool:
    """Whether it fills the picture, and is surely one."""
    height, width = image.shape[:2]
    left, top, right, bottom = face.box_xyxy.tolist()
    covered = max(0.0, min(right, width) - max(left, 0.0)) * max(0.0, min(bottom, height) - max(top, 0.0))
    return covered >= FILLS * height * width and face.detection_score >= PLAIN
