"""The messages of /ws/verification/, one TypedDict each, and how they are made from what the engine says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, TypedDict
from uuid import UUID

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from enrollment.errors import PersonUnknown
from enrollment.streaming.protocol import (
    LivenessMessage,
    NotTheProtocol,
    PersonMessage,
    QualityMessage,
    liveness_message,
    quality_message,
)
from recognizer.decisions import Comparison, Conclusion
from recognizer.reasons import CHALLENGE_FAILURES, Reason
from recognizer.tracking.challenge import ChallengeState
from recognizer.tracking.challenge_run import ChallengeProgress
from recognizer.tracking.outcomes import TrackedFace
from recognizer.tracking.tracks import Decision
from recognizer.types import Verdict
from verification.cards import DecisionCard, card_of
from verification.live.session import Configure, LiveResult
from verification.models import VerificationAttempt
from verification.reasons import PROMPTS, VerificationReason, sentence_for

Mode = VerificationAttempt.Mode
NOT_CLAIMABLE = _("There is no such person, or they are not active.")


class FramesMessage(TypedDict):
    agreed: int
    seen: int


class ComparisonMessage(TypedDict):
    """The part that faces and decisions share."""

    verdict: str
    person: PersonMessage | None
    """Only of a match."""
    comparison_score: float | None
    runner_up: float | None
    reasons: list[str]


class FaceMessage(ComparisonMessage):
    track: int
    box_xyxy: list[float]
    landmarks: list[list[float]]
    detection_score: float
    quality: QualityMessage
    liveness: LivenessMessage
    frames: FramesMessage


class ResultMessage(TypedDict):
    type: Literal["result"]
    seq: int
    dropped: int
    image: tuple[int, int]
    faces: list[FaceMessage]
    match_threshold: float
    timings_ms: dict[str, float]


class FactMessage(TypedDict):
    label: str
    text: str


class CardMessage(TypedDict):
    """The decision in words: the very ones that the history and the photo check show."""

    headline: str
    facts: list[FactMessage]
    reasons: list[str]


class DecisionMessage(ComparisonMessage):
    type: Literal["decision"]
    track: int
    match_threshold: float
    fmr: float
    population: str
    quality: QualityMessage
    liveness: LivenessMessage
    frames: FramesMessage
    card: CardMessage
    attempt: str
    challenge_offered: bool


class ChallengeMessage(TypedDict):
    type: Literal["challenge"]
    track: int
    state: str
    prompt: str | None
    step: int
    steps: int
    seconds_left: float
    code: str | None
    message: str


class ChallengeRequest(NamedTuple):
    track: int
    cancel: bool


def parse_configure(message: Mapping[str, Any]) -> Configure:
    """Raises NotTheProtocol, PersonUnknown."""
    mode, person = message.get("mode"), message.get("person")
    if mode == Mode.IDENTIFY:
        return Configure(Mode.IDENTIFY, None)
    if mode != Mode.VERIFY:
        raise NotTheProtocol('"mode" must be "identify" or "verify".')
    if not isinstance(person, str):
        raise NotTheProtocol('In the mode "verify", "person" must be the UUID of the claimed person.')
    try:
        return Configure(Mode.VERIFY, str(UUID(person)))  # however it was written: the gallery knows one form
    except ValueError:
        raise PersonUnknown(str(NOT_CLAIMABLE)) from None


def parse_challenge(message: Mapping[str, Any]) -> ChallengeRequest:
    """Raises NotTheProtocol."""
    track, cancel = message.get("track"), message.get("cancel", False)
    if not isinstance(track, int) or isinstance(track, bool) or not isinstance(cancel, bool):
        raise NotTheProtocol('"track" must be the number of a track, and "cancel" true or false.')
    return ChallengeRequest(track, cancel)


def result_message(result: LiveResult, names: Mapping[str, str], *, seq: int, dropped: int) -> ResultMessage:
    return {
        "type": "result",
        "seq": seq,
        "dropped": dropped,
        "image": result.image_size,
        "faces": [face_message(face, names) for face in result.outcome.faces],
        "match_threshold": result.outcome.match_threshold,
        "timings_ms": dict(result.timings_ms),
    }


def face_message(face: TrackedFace, names: Mapping[str, str]) -> FaceMessage:
    """names: person uuid -> name, of at least the matched person."""
    detection = face.sighting.detection
    return {
        "track": face.track,
        "box_xyxy": [round(value, 1) for value in detection.box_xyxy.tolist()],
        "landmarks": [[round(x, 1), round(y, 1)] for x, y in detection.landmarks.tolist()],
        "detection_score": round(detection.detection_score, 4),
        "quality": quality_message(face.sighting.quality),
        "liveness": liveness_message(face.liveness),
        "frames": frames_message(face.conclusion),
        **comparison_message(face.comparison, names),
    }


def decision_message(decision: Decision, names: Mapping[str, str], attempt: VerificationAttempt) -> DecisionMessage:
    return {
        "type": "decision",
        "track": decision.track,
        "match_threshold": decision.match_threshold,
        "fmr": decision.policy.fmr,
        "population": decision.policy.population,
        "quality": quality_message(decision.best.quality),
        "liveness": liveness_message(decision.liveness),
        "frames": frames_message(decision.conclusion),
        "card": card_message(card_of(attempt, population=decision.policy.population)),
        "attempt": str(attempt.uuid),
        "challenge_offered": is_challenge_offered(decision),
        **comparison_message(decision.comparison, names),
    }


def comparison_message(comparison: Comparison, names: Mapping[str, str]) -> ComparisonMessage:
    """names: person uuid -> name, of at least the matched person."""
    return {
        "verdict": comparison.verdict.value,
        "person": named_person(comparison, names),
        "comparison_score": comparison.comparison_score,
        "runner_up": comparison.runner_up,
        "reasons": list(comparison.reasons),
    }


def frames_message(conclusion: Conclusion) -> FramesMessage:
    return {"agreed": conclusion.agreed, "seen": conclusion.seen}


def card_message(card: DecisionCard) -> CardMessage:
    return {
        "headline": card.headline,
        "facts": [{"label": label, "text": text} for label, text in card.facts],
        "reasons": list(card.reasons),
    }


def is_challenge_offered(decision: Decision) -> bool:
    """Where liveness alone stood against a verdict, head movements can show what pictures did not.

    A face that fills the picture must move back first, and is then decided anew.
    """
    doubts = {Reason.LIVENESS_UNCERTAIN, Reason.LIVENESS_UNAVAILABLE} | CHALLENGE_FAILURES
    doubtful = not doubts.isdisjoint(decision.comparison.reasons)
    return doubtful and decision.verdict != Verdict.ATTACK and decision.liveness.surrounded


def challenge_message(progress: ChallengeProgress) -> ChallengeMessage:
    return {
        "type": "challenge",
        "track": progress.track,
        "state": progress.state.value,
        "prompt": progress.prompt.value if progress.prompt else None,
        "step": progress.step,
        "steps": progress.steps,
        "seconds_left": progress.seconds_left,
        "code": progress.code,
        "message": sentence_for(progress.code) if progress.code else str(PROMPTS[progress.prompt]),
    }


def challenge_refused_message(track: int, code: str, *, seconds: int = 0) -> ChallengeMessage:
    """A challenge that does not begin. seconds: how long to wait."""
    wait = ngettext(
        "Too many attempts have failed. Wait {count} second before the next one.",
        "Too many attempts have failed. Wait {count} seconds before the next one.",
        seconds,
    ).format(count=seconds)
    return {
        "type": "challenge",
        "track": track,
        "state": ChallengeState.FAILED.value,
        "prompt": None,
        "step": 0,
        "steps": 0,
        "seconds_left": seconds,
        "code": code,
        "message": wait if code == VerificationReason.CHALLENGE_WAIT else sentence_for(code),
    }


def named_person(comparison: Comparison, names: Mapping[str, str]) -> PersonMessage | None:
    """The matched person. Without a match nobody is named: a stranger's best candidate is somebody else."""
    person_id = comparison.person_id
    name = names.get(person_id or "")  # absent: erased a moment ago
    if comparison.verdict != Verdict.MATCH or person_id is None or name is None:
        return None
    return {"id": person_id, "name": name}
