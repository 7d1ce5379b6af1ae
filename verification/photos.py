"""From one still picture to decisions, for the photo check and `manage.py identify`. The live page's code decides.

It reads no database and knows no socket.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from recognizer.decisions import Question
from recognizer.engine import FaceEngine
from recognizer.images import UPLOAD_LIMITS
from recognizer.search.gallery import GallerySnapshot
from recognizer.tracking.fuser import decide_still
from recognizer.tracking.tracks import Decision
from recognizer.types import DecisionPolicy, Detection, LivenessMode, Quality


@dataclass(frozen=True, slots=True, eq=False)
class IdentifiedFace:
    """One face of the picture, and the decision about it."""

    detection: Detection
    quality: Quality
    decision: Decision


@dataclass(frozen=True, slots=True, eq=False)
class IdentifiedImage:
    """All faces of one picture."""

    image_size: tuple[int, int]
    """width, height in pixels."""
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

    image_bytes: a JPEG, PNG or WebP within UPLOAD_LIMITS. claimed: uuid of a person, to verify instead of identify.
    Liveness is not checked unless `check_liveness`. Raises ImageError.
    """
    image = engine.decode(image_bytes, UPLOAD_LIMITS)
    asked = policy if check_liveness else replace(policy, liveness=LivenessMode.OFF)
    outcome = decide_still(engine, image, Question(gallery, asked, claimed))
    decisions = {decision.track: decision for decision in outcome.decisions}
    faces = (
        IdentifiedFace(face.sighting.detection, face.sighting.quality, decisions[face.track]) for face in outcome.faces
    )
    return IdentifiedImage((image.shape[1], image.shape[0]), tuple(faces))
