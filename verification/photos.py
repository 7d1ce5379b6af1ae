"""From one still picture to decisions, for the photo check and `manage.py identify`. The live page's code decides.

It reads no database and knows no socket.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from enrollment.reasons import EnrollmentReason
from recognizer.decisions import Question, barring_reason, judge_score, stands_out
from recognizer.engine import FaceEngine
from recognizer.errors import ImageError
from recognizer.images import UPLOAD_LIMITS, image_size
from recognizer.reasons import Reason
from recognizer.search.galleries import Gallery
from recognizer.tracking.fuser import decide_still
from recognizer.tracking.tracks import Decision
from recognizer.types import DecisionPolicy, Detection, Face, Image, LivenessMode, Quality, Verdict


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
    gallery: Gallery,
    policy: DecisionPolicy,
    claimed: str | None = None,
    check_liveness: bool = False,
) -> IdentifiedImage:
    """Decide about every face of a picture. In a server, call it as a job of the engine's pool.

    image_bytes: a JPEG, PNG, WebP or BMP within UPLOAD_LIMITS. claimed: uuid of a person, to verify, not identify.
    Liveness is not checked unless `check_liveness`. Raises ImageError.
    """
    image, detections = engine.turn_upright(engine.decode(image_bytes, UPLOAD_LIMITS))
    asked = policy if check_liveness else replace(policy, liveness=LivenessMode.OFF)
    outcome = decide_still(engine, image, Question(gallery, asked, claimed), detections)
    decisions = {decision.track: decision for decision in outcome.decisions}
    factor = max(image_size(image_bytes)) / max(image.shape[:2])  # a large picture is decoded at a part of its size
    faces = (
        IdentifiedFace(_enlarged(face.sighting.detection, factor), face.sighting.quality, decisions[face.track])
        for face in outcome.faces
    )
    return IdentifiedImage(image, (round(factor * image.shape[1]), round(factor * image.shape[0])), tuple(faces))


class NoFace(ImageError):
    """One of two pictures that were to be compared shows nobody."""

    code = EnrollmentReason.NO_FACE.value

    def __init__(self) -> None:
        super().__init__("No face was found. Use pictures that show the face clearly.")


@dataclass(frozen=True, slots=True, eq=False)
class ComparedImages:
    """What the largest faces of two pictures say about each other."""

    verdict: Verdict
    comparison_score: float
    """Cosine, -1..1."""
    reasons: tuple[Reason, ...]
    policy: DecisionPolicy
    faces: tuple[Face, Face]
    """With boxes in pixels of the pictures, upright."""


def compare_images(first: bytes, second: bytes, *, engine: FaceEngine, policy: DecisionPolicy) -> ComparedImages:
    """Are these the same person? In a server, call it as a job of the engine's pool. Nobody enrolled is asked.

    A picture that may decide nothing (a covered or turned face) makes it uncertain. Raises ImageError.
    """
    faces = _largest_face(engine, first), _largest_face(engine, second)
    one, other = (face.embedding for face in faces)
    assert one is not None and other is not None  # noqa: S101, PT018 - analyze() embeds
    score = float(one @ other)
    verdict, reasons = judge_score(score, policy)
    if verdict == Verdict.MATCH and engine.cohort and not stands_out(engine.cohort, score, one, other):
        verdict, reasons = Verdict.UNCERTAIN, (Reason.SIMILAR_TO_MANY,)
    barred = tuple(dict.fromkeys(reason for face in faces if (reason := barring_reason(face.quality))))
    if barred:
        verdict, reasons = Verdict.UNCERTAIN, barred
    return ComparedImages(verdict, score, reasons, policy, faces)


def _largest_face(engine: FaceEngine, image_bytes: bytes) -> Face:
    image, detections = engine.turn_upright(engine.decode(image_bytes, UPLOAD_LIMITS))
    faces = engine.analyze(image, detections).faces
    if not faces:
        raise NoFace
    factor = max(image_size(image_bytes)) / max(image.shape[:2])
    return replace(faces[0], detection=_enlarged(faces[0].detection, factor))


def _enlarged(detection: Detection, factor: float) -> Detection:
    return replace(detection, box_xyxy=factor * detection.box_xyxy, landmarks=factor * detection.landmarks)
