"""Finding faces: boxes, five landmarks and a score for each.

The product uses YuNet (Wu, Peng and Yu, "YuNet: A Tiny Millisecond-level Face Detector", 2023) through ONNX Runtime.
Haar (Viola and Jones 2001) is here for comparison only: the seed project used it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, cast

import cv2
import numpy as np

from recognizer.stages.landmarks import LandmarkRefiner
from recognizer.stages.sessions import Session
from recognizer.types import Detection, Image, Vector

STRIDES = (8, 16, 32)
OVERLAP_LIMIT = 0.3
"""Of two boxes with a larger intersection over union only the better one stays (OpenCV's default)."""
HAAR_CASCADE = Path(cv2.__file__).parent / "data" / "haarcascade_frontalface_default.xml"
"""A file that comes with opencv-python below version 5."""
HAAR_LANDMARKS = np.array([[0.31, 0.38], [0.69, 0.38], [0.50, 0.58], [0.35, 0.77], [0.65, 0.77]], np.float32)
"""(5, 2): where the five landmarks usually lie in a Haar box, as shares of its sides. Haar itself finds none."""


class Detector(Protocol):
    def detect(self, image: Image) -> list[Detection]:
        """All faces of a H x W x 3 uint8 BGR picture, the largest first, in pixels of that picture."""


class YuNetDetector:
    """YuNet on a picture shrunk so that its longer side is at most `size` pixels. Its outputs are decoded here.

    With a `refiner` the landmarks come from that, which finds them again in the full picture.
    """

    def __init__(
        self, session: Session, *, size: int = 320, threshold: float = 0.6, refiner: LandmarkRefiner | None = None
    ) -> None:
        self.refiner = refiner
        self._session = session
        self._input = session.get_inputs()[0].name
        self._outputs = [f"{kind}_{stride}" for stride in STRIDES for kind in ("cls", "obj", "bbox", "kps")]
        self.size = size
        self._threshold = threshold

    def resized(self, size: int) -> YuNetDetector:
        """The same model at another size, with the landmarks that it finds itself."""
        return YuNetDetector(self._session, size=size, threshold=self._threshold)

    def detect(self, image: Image) -> list[Detection]:
        """All faces of a H x W x 3 uint8 BGR picture, the largest first, in pixels of that picture."""
        blob, scale = self.prepare(image)
        outputs = self.infer(blob)
        return self.refined(image, decode_yunet(outputs, (blob.shape[2], blob.shape[3]), scale, self._threshold))

    def refined(self, image: Image, found: list[Detection]) -> list[Detection]:
        """Faces of a H x W x 3 uint8 BGR picture, with the refiner's landmarks where there is one."""
        return self.refiner.refine(image, found) if self.refiner else found

    def infer(self, blob: Vector) -> Sequence[Vector]:
        """The model alone, on what `prepare` made, (1, 3, H, W): for each stride cls, obj, bbox, kps (decode_yunet)."""
        return cast(Sequence[Vector], self._session.run(self._outputs, {self._input: blob}))

    def prepare(self, image: Image) -> tuple[Vector, tuple[float, float]]:
        """The model's input for a H x W x 3 BGR picture, and the shrunk size over the original size, in x and in y.

        The input is (1, 3, h, w) float32 BGR 0..255. h and w are multiples of 32; black fills what is missing.
        """
        height, width = image.shape[:2]
        shrink = min(1.0, self.size / max(height, width))
        small_width, small_height = max(1, round(width * shrink)), max(1, round(height * shrink))
        if shrink < 1.0:
            image = cast(Image, cv2.resize(image, (small_width, small_height), interpolation=cv2.INTER_LINEAR))
        below, right = -small_height % 32, -small_width % 32
        image = cast(Image, cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_CONSTANT))
        blob = image.transpose(2, 0, 1)[np.newaxis].astype(np.float32, order="C")
        return blob, (small_width / width, small_height / height)


class HaarDetector:
    """OpenCV's frontal-face cascade, called as the seed project called it. The landmarks are guessed from the box."""

    def __init__(self) -> None:
        self._cascade = cv2.CascadeClassifier(str(HAAR_CASCADE))

    def detect(self, image: Image) -> list[Detection]:
        """Frontal faces of a H x W x 3 uint8 BGR picture, the largest first; detection_score is always 1."""
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        boxes = self._cascade.detectMultiScale(grey, 1.1, 5)
        found = [_haar_detection(*(float(value) for value in box)) for box in boxes]
        return sorted(found, key=area_of, reverse=True)


def _haar_detection(left: float, top: float, width: float, height: float) -> Detection:
    corner, size = np.array([left, top], np.float32), np.array([width, height], np.float32)
    return Detection(
        box_xyxy=np.concatenate([corner, corner + size]),
        landmarks=corner + HAAR_LANDMARKS * size,
        detection_score=1.0,
    )


def decode_yunet(
    outputs: Sequence[Vector], input_size: tuple[int, int], scale: tuple[float, float], threshold: float
) -> list[Detection]:
    """YuNet's outputs as detections in pixels of the full picture, the largest first.

    outputs: for each stride cls (1, a, 1), obj (1, a, 1), bbox (1, a, 4), kps (1, a, 10), one row for each of its a
    cells. input_size: height and width of the model's input. scale: the input's x and y sizes over those of the full
    picture. threshold: smallest detection_score.
    The score is sqrt(cls * obj), both in 0..1. Centres and landmarks are offsets from the cell's corner, in strides;
    the sides of a box are exp(number) strides. All this is as in OpenCV's face_detect.cpp.
    """
    candidates: list[_Candidate] = []
    for number, stride in enumerate(STRIDES):
        unit = stride / scale[0], stride / scale[1]
        candidates += _candidates(outputs[4 * number : 4 * number + 4], input_size[1] // stride, unit, threshold)
    kept = keep_best([each.box for each in candidates], [each.score for each in candidates])
    found = [candidates[at].detection() for at in kept]
    return sorted(found, key=area_of, reverse=True)


class _Candidate(NamedTuple):
    """A cell of YuNet's grid that lies on a face, by its score."""

    score: float
    box: tuple[float, float, float, float]
    corner: tuple[int, int]
    """Column and row of the cell."""
    unit: tuple[float, float]
    """Width and height of a cell in pixels of the full picture."""
    offsets: Vector
    """(10,): x and y of the five landmarks from the cell's corner, in cells."""

    def detection(self) -> Detection:
        (x, y), (unit_x, unit_y), offsets = self.corner, self.unit, self.offsets.tolist()
        landmarks = [
            ((x + right) * unit_x, (y + down) * unit_y) for right, down in zip(offsets[::2], offsets[1::2], strict=True)
        ]
        return Detection(np.array(self.box, np.float32), np.array(landmarks, np.float32), self.score)


def _candidates(
    outputs: Sequence[Vector], columns: int, unit: tuple[float, float], threshold: float
) -> Iterator[_Candidate]:
    """The cells of one stride whose score reaches the threshold."""
    # Few numpy calls on purpose: between two models the processor's caches are cold and each costs 10 to 50 us.
    cls, obj, bbox, kps = outputs
    squared = (cls * obj)[0, :, 0]
    for cell in (squared >= threshold * threshold).nonzero()[0].tolist():
        y, x = divmod(cell, columns)
        right, down, width, height = bbox[0, cell].tolist()
        middle_x, middle_y = (x + right) * unit[0], (y + down) * unit[1]
        half_x, half_y = math.exp(width) * unit[0] / 2, math.exp(height) * unit[1] / 2
        box = middle_x - half_x, middle_y - half_y, middle_x + half_x, middle_y + half_y
        yield _Candidate(math.sqrt(squared[cell]), box, (x, y), unit, kps[0, cell])


def keep_best(boxes: Sequence[Sequence[float]], scores: Sequence[float], limit: float = OVERLAP_LIMIT) -> list[int]:
    """Greedy non-maximum suppression: indices of the boxes (left, top, right, bottom) that stay, best score first."""
    kept: list[int] = []
    for row in sorted(range(len(boxes)), key=scores.__getitem__, reverse=True):
        if all(overlap(boxes[row], boxes[better]) <= limit for better in kept):
            kept.append(row)
    return kept


def overlap(one: Sequence[float], other: Sequence[float]) -> float:
    """Intersection over union, 0..1, of two boxes (left, top, right, bottom)."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    one_area, other_area = (one[2] - one[0]) * (one[3] - one[1]), (other[2] - other[0]) * (other[3] - other[1])
    return shared / (one_area + other_area - shared)


def area_of(detection: Detection) -> float:
    """Of its box, in square pixels."""
    left, top, right, bottom = detection.box_xyxy.tolist()
    return float((right - left) * (bottom - top))
