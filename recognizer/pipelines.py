"""Two ways from a picture to an embedding: facesite's, and the seed project's for comparison.

Both use the same weights. So a difference between them comes from everything around the model.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import ClassVar, Protocol, cast

import cv2
import numpy as np

from recognizer.engine import FaceEngine
from recognizer.images import UPLOAD_LIMITS
from recognizer.stages.alignment import SIDE
from recognizer.stages.detection import HaarDetector
from recognizer.types import Detection, Image, Vector

SEED_DISTANCE = 0.8
"""The seed's limit: two faces match when the L2 distance of their embeddings is below this."""
SEED_THRESHOLD = float(np.nextafter(1 - SEED_DISTANCE**2 / 2, 1.0))
"""The same limit as a cosine: for vectors of length 1, distance^2 = 2 - 2 * cosine, so "below" becomes "above".
Thresholds are inclusive everywhere here, hence the next larger number."""


class Pipeline(Protocol):
    name: ClassVar[str]

    def embed_picture(self, data: bytes) -> Vector | None:
        """(d,) float32 of length 1 for the main face, None when no face is found. Raises ImageError. Thread-safe."""


class FacesitePipeline:
    """Landmarks, alignment to the ArcFace template, the pack's colour order: what every page and command does."""

    name: ClassVar[str] = "facesite"

    def __init__(self, engine: FaceEngine) -> None:
        self._engine = engine

    def embed_picture(self, data: bytes) -> Vector | None:
        """(d,) float32 of length 1 for the main face; see `Pipeline`."""
        image, detections = self._engine.turn_upright(self._engine.decode(data, UPLOAD_LIMITS))
        detection = main_face(detections, image)
        if detection is None:
            return None
        return cast(Vector, self._engine.embed([self._engine.align(image, detection)])[0])


class SeedPipeline:
    """What the seed project did: a Haar box, stretched to 112 x 112, its BGR pixels given to the model as they are.

    The seed compared embeddings of whatever length the model gave. Here each has the length 1: without a fixed length
    the seed's limit of 0.8 means nothing.
    """

    name: ClassVar[str] = "seed"

    def __init__(self, engine: FaceEngine) -> None:
        self._engine = engine
        self._detectors = threading.local()  # OpenCV's cascades must not be shared between threads

    def embed_picture(self, data: bytes) -> Vector | None:
        """(d,) float32 of length 1 for the main face; see `Pipeline`."""
        image = self._engine.decode(data, UPLOAD_LIMITS)
        if not hasattr(self._detectors, "haar"):
            self._detectors.haar = HaarDetector()
        detection = main_face(self._detectors.haar.detect(image), image)
        if detection is None:
            return None
        left, top, right, bottom = (int(value) for value in detection.box_xyxy)
        crop = cast(Image, cv2.resize(image[top:bottom, left:right], (SIDE, SIDE)))
        # The embedder reverses the channels for a model that wants RGB. Reversed here first, they reach it as BGR.
        return cast(Vector, self._engine.embed([np.ascontiguousarray(crop[:, :, ::-1])])[0])


def main_face(detections: Sequence[Detection], image: Image) -> Detection | None:
    """The most prominent face of a H x W x 3 picture; None without faces.

    Prominence is the box's shorter side * (1 - distance from the picture's centre / half its diagonal). In collections
    like LFW the person whom the file is named after is in the middle, and a larger face may be beside them.
    """
    height, width = image.shape[:2]
    centre, reach = np.array([width, height]) / 2, float(np.hypot(width, height)) / 2

    def prominence(detection: Detection) -> float:
        corner, opposite = detection.box_xyxy[:2], detection.box_xyxy[2:]
        distance = float(np.linalg.norm((corner + opposite) / 2 - centre))
        return float((opposite - corner).min()) * (1 - distance / reach)

    return max(detections, key=prominence, default=None)
