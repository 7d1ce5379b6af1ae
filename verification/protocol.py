"""The messages of /ws/verification/, one TypedDict each, and how they are made from what the engine says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypedDict

from enrollment.protocol import NotTheProtocol, PersonMessage, QualityMessage, quality_message
from recognizer.tracking import Decision, TrackedFace
from recognizer.types import Liveness, Verdict
from verification.live import Configure, LiveResult
from verification.models import VerificationAttempt

Mode = VerificationAttempt.Mode


class LivenessMessage(TypedDict):
    verdict: str
    score: float | None


class FramesMessage(TypedDict):
    agreed: int
    seen: int


class FaceMessage(TypedDict):
    track: int
    box_xyxy: list[float]
    landmarks: list[list[float]]
    detection_score: float
    quality: QualityMessage
    liveness: LivenessMessage
    verdict: str
    person: PersonMessage | None
    comparison_score: float | None
    runner_up: float | None
    frames: FramesMessage
    reasons: list[str]


class ResultMessage(TypedDict):
    type: Literal["result"]
    seq: int
    dropped: int
    image: tuple[int, int]
    faces: list[FaceMessage]
    match_threshold: float
    timings_ms: dict[str, float]


class DecisionMessage(TypedDict):
    type: Literal["decision"]
    track: int
    verdict: str
    person: PersonMessage | None
    comparison_score: float | None
    match_threshold: float
    liveness: LivenessMessage
    frames: FramesMessage
    reasons: list[str]
    attempt: str


def parse_configure(message: Mapping[str, Any]) -> Configure:
    """Raises NotTheProtocol."""
    mode, person = message.get("mode"), message.get("person")
    if mode == Mode.IDENTIFY:
        return Configure(Mode.IDENTIFY, None)
    if mode != Mode.VERIFY:
        raise NotTheProtocol('"mode" must be "identify" or "verify".')
    if not isinstance(person, str):
        raise NotTheProtocol('In the mode "verify", "person" must be the UUID of the claimed person.')
    return Configure(Mode.VERIFY, person)


def result_message(result: LiveResult, names: Mapping[str, str], *, seq: int, dropped: int) -> ResultMessage:
    return {
        "type": "result",
        "seq": seq,
        "dropped": dropped,
        "image": result.image_size,
        "faces": [face_message(face, names) for face in result.faces],
        "match_threshold": result.match_threshold,
        "timings_ms": dict(result.timings_ms),
    }


def face_message(face: TrackedFace, names: Mapping[str, str]) -> FaceMessage:
    """names: person uuid -> name, of at least the matched person."""
    return {
        "track": face.track,
        "box_xyxy": [round(value, 1) for value in face.detection.box_xyxy.tolist()],
        "landmarks": [[round(x, 1), round(y, 1)] for x, y in face.detection.landmarks.tolist()],
        "detection_score": round(face.detection.detection_score, 4),
        "quality": quality_message(face.quality),
        "liveness": liveness_message(face.liveness),
        "verdict": face.verdict.value,
        "person": named_person(face.verdict, face.person_id, names),
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
        "person": named_person(decision.verdict, decision.person_id, names),
        "comparison_score": decision.comparison_score,
        "match_threshold": decision.match_threshold,
        "liveness": liveness_message(decision.liveness),
        "frames": {"agreed": decision.frames_agreed, "seen": decision.frames_seen},
        "reasons": list(decision.reasons),
        "attempt": str(attempt.uuid),
    }


def liveness_message(liveness: Liveness) -> LivenessMessage:
    return {"verdict": liveness.verdict.value, "score": liveness.score}


def named_person(verdict: Verdict, person_id: str | None, names: Mapping[str, str]) -> PersonMessage | None:
    """Nobody is named before a match: the best candidate of a stranger is somebody else's name."""
    name = names.get(person_id or "")  # absent: erased a moment ago
    if verdict != Verdict.MATCH or person_id is None or name is None:
        return None
    return {"id": person_id, "name": name}
