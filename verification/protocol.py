"""The messages of /ws/verification/, one TypedDict each, and how they are made from what the engine says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypedDict

from recognizer.decisions import policy_for_gallery
from recognizer.gallery import GallerySnapshot
from recognizer.images import FRAME_LIMITS
from recognizer.tracking import Decision, TrackedFace
from recognizer.types import DecisionPolicy, Liveness, Verdict
from verification.live import Configure, LiveResult
from verification.models import VerificationAttempt

PROTOCOL_VERSION = 1
Mode = VerificationAttempt.Mode


class GallerySize(TypedDict):
    people: int
    templates: int


class Limits(TypedDict):
    frame_bytes: int
    pixels: int
    frames_per_second: int


class HelloMessage(TypedDict):
    type: Literal["hello"]
    protocol: int
    pack: str
    match_threshold: float
    fmr: float
    liveness: str
    gallery: GallerySize
    limits: Limits


class PersonField(TypedDict):
    id: str
    name: str


class QualityField(TypedDict):
    score: float
    reasons: list[str]


class LivenessField(TypedDict):
    verdict: str
    score: float | None


class FramesField(TypedDict):
    agreed: int
    seen: int


class FaceField(TypedDict):
    track: int
    box_xyxy: list[float]
    landmarks: list[list[float]]
    detection_score: float
    quality: QualityField
    liveness: LivenessField
    verdict: str
    person: PersonField | None
    comparison_score: float | None
    runner_up: float | None
    frames: FramesField
    reasons: list[str]


class ResultMessage(TypedDict):
    type: Literal["result"]
    seq: int
    dropped: int
    image: tuple[int, int]
    faces: list[FaceField]
    match_threshold: float
    timings_ms: dict[str, float]


class DecisionMessage(TypedDict):
    type: Literal["decision"]
    track: int
    verdict: str
    person: PersonField | None
    comparison_score: float | None
    match_threshold: float
    liveness: LivenessField
    frames: FramesField
    reasons: list[str]
    attempt: str


class ConfigureInvalid(ValueError):
    """str() is a sentence for whoever wrote the client."""


def parse_configure(message: Mapping[str, Any]) -> Configure:
    """Raises ConfigureInvalid."""
    mode, person = message.get("mode"), message.get("person")
    if mode == Mode.IDENTIFY:
        return Configure(Mode.IDENTIFY, None)
    if mode != Mode.VERIFY:
        raise ConfigureInvalid('"mode" must be "identify" or "verify".')
    if not isinstance(person, str):
        raise ConfigureInvalid('In the mode "verify", "person" must be the UUID of the claimed person.')
    return Configure(Mode.VERIFY, person)


def hello_message(
    *, pack: str, policy: DecisionPolicy, gallery: GallerySnapshot, frames_per_second: int
) -> HelloMessage:
    effective = policy_for_gallery(policy, gallery.people)
    return {
        "type": "hello",
        "protocol": PROTOCOL_VERSION,
        "pack": pack,
        "match_threshold": effective.match_threshold,
        "fmr": effective.fmr,
        "liveness": policy.liveness.value,
        "gallery": {"people": gallery.people, "templates": gallery.templates},
        "limits": {
            "frame_bytes": FRAME_LIMITS.max_bytes,
            "pixels": FRAME_LIMITS.max_pixels,
            "frames_per_second": frames_per_second,
        },
    }


def result_message(result: LiveResult, names: Mapping[str, str], *, seq: int, dropped: int) -> ResultMessage:
    return {
        "type": "result",
        "seq": seq,
        "dropped": dropped,
        "image": result.image_size,
        "faces": [face_field(face, names) for face in result.faces],
        "match_threshold": result.match_threshold,
        "timings_ms": dict(result.timings_ms),
    }


def face_field(face: TrackedFace, names: Mapping[str, str]) -> FaceField:
    """names: person uuid -> name, of at least the matched person."""
    return {
        "track": face.track,
        "box_xyxy": [round(value, 1) for value in face.detection.box_xyxy.tolist()],
        "landmarks": [[round(x, 1), round(y, 1)] for x, y in face.detection.landmarks.tolist()],
        "detection_score": round(face.detection.detection_score, 4),
        "quality": {"score": round(face.quality.score, 4), "reasons": list(face.quality.reasons)},
        "liveness": liveness_field(face.liveness),
        "verdict": face.verdict.value,
        "person": person_field(face.verdict, face.person_id, names),
        "comparison_score": face.comparison_score,
        "runner_up": face.runner_up,
        "frames": {"agreed": face.frames_agreed, "seen": face.frames_seen},
        "reasons": list(face.reasons),
    }


def decision_message(decision: Decision, names: Mapping[str, str], attempt: VerificationAttempt) -> DecisionMessage:
    return {
        "type": "decision",
        "track": decision.track,
        "verdict": decision.verdict.value,
        "person": person_field(decision.verdict, decision.person_id, names),
        "comparison_score": decision.comparison_score,
        "match_threshold": decision.match_threshold,
        "liveness": liveness_field(decision.liveness),
        "frames": {"agreed": decision.frames_agreed, "seen": decision.frames_seen},
        "reasons": list(decision.reasons),
        "attempt": str(attempt.uuid),
    }


def liveness_field(liveness: Liveness) -> LivenessField:
    return {"verdict": liveness.verdict.value, "score": liveness.score}


def person_field(verdict: Verdict, person_id: str | None, names: Mapping[str, str]) -> PersonField | None:
    """Nobody is named before a match: the best candidate of a stranger is somebody else's name."""
    name = names.get(person_id or "")  # absent: erased a moment ago
    if verdict != Verdict.MATCH or person_id is None or name is None:
        return None
    return {"id": person_id, "name": name}
