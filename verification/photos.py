"""From one still picture to decisions, for the photo check and `manage.py identify`. The live page's code decides.

It reads no database and knows no socket.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from recognizer.decisions import Question
from recognizer.engine import FaceEngine
from recognizer.images import UPLOAD_LIMITS, image_size
from recognizer.search.gallery import GallerySnapshot
from recognizer.tracking.fuser import decide_still
from recognizer.tracking.tracks import Decision
from recognizer.types import DecisionPolicy, Detection, Image, LivenessMode, Quality


@dataclass(frozen=True, slots=True, eq=False)
class IdentifiedFace:
    """One face of the picture, and the decision about it."""

    detection: Detection
    quality: Quality
    decision: Decision


@dataclass(frozen=True, slots=True, eq=False)
class IdentifiedImage:
    """All faces of one picture."""

    image: Image
    """The picture, upright, as it was looked at: a large one at a part of its size."""
    image_size: tuple[int, int]
    """width, height in pixels of the whole picture, upright. Boxes and landmarks count in these."""
    faces: tuple[IdentifiedFace, ...]
    """Largest first. No two of them match the same person."""


def identify_image(
    image_bytes: bytes,
    *,
    engine: FaceEngine,
    gallery: GallerySnapshot,
    policy: DecisionPolicy,
    claimed: str | None = None,
    check_liveness: bool = False,
) -> IdentifiedImage:
    """Decide about every face of a picture. In a server, call it as a job of the engine's pool.

    image_bytes: a JPEG, PNG, WebP or BMP within UPLOAD_LIMITS. claimed: uuid of a person, to verify, not identify.
    Liveness is not checked unless `check_liveness`. Raises ImageError.
    """
    image = engine.turn_upright(engine.decode(image_bytes, UPLOAD_LIMITS))
    asked = policy if check_liveness else replace(policy, liveness=LivenessMode.OFF)
    outcome = decide_still(engine, image, Question(gallery, asked, claimed))
    decisions = {decision.track: decision for decision in outcome.decisions}
    factor = max(image_size(image_bytes)) / max(image.shape[:2])  # a large picture is decoded at a part of its size
    faces = (
        IdentifiedFace(_enlarged(face.sighting.detection, factor), face.sighting.quality, decisions[face.track])
        for face in outcome.faces
    )
    return IdentifiedImage(image, (round(factor * image.shape[1]), round(factor * image.shape[0])), tuple(faces))


def _enlarged(detection: Detection, factor: float) -> Detection:
    return replace(detection, box_xyxy=factor * detection.box_xyxy, landmarks=factor * detection.landmarks)
