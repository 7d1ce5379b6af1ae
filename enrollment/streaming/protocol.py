"""The messages that both sockets share, and the exception for a message that breaks the protocol (docs/protocol.md)."""

from __future__ import annotations

from typing import Literal, TypedDict

from enrollment.models import Person
from recognizer.engine import FaceEngine
from recognizer.images import FRAME_LIMITS
from recognizer.search.galleries import Gallery
from recognizer.types import DecisionPolicy, Liveness, Quality

PROTOCOL_VERSION = 1


class GalleryMessage(TypedDict):
    people: int
    templates: int


class LimitsMessage(TypedDict):
    """What a frame may be at most. frame_bytes: of the whole binary message, header included."""

    frame_bytes: int
    pixels: int
    frames_per_second: int


class HelloMessage(TypedDict):
    """The first message. fmr: the false-match rate that match_threshold (a cosine) stands for; population: on whom."""

    type: Literal["hello"]
    protocol: int
    pack: str
    match_threshold: float
    fmr: float
    population: str
    liveness: str
    gallery: GalleryMessage
    limits: LimitsMessage


class PersonMessage(TypedDict):
    id: str
    name: str


class QualityMessage(TypedDict):
    score: float
    reasons: list[str]


class LivenessMessage(TypedDict):
    verdict: str
    score: float | None


class NotTheProtocol(Exception):
    """A client's message is not one of the protocol. str() says what is wrong with it, for the client's author."""


def hello_message(
    engine: FaceEngine, policy: DecisionPolicy, gallery: Gallery, *, frame_bytes: int, frames_per_second: int
) -> HelloMessage:
    """policy: the one whose match threshold this socket's results will show."""
    return {
        "type": "hello",
        "protocol": PROTOCOL_VERSION,
        "pack": engine.pack.name,
        "match_threshold": policy.match_threshold,
        "fmr": policy.fmr,
        "population": policy.population,
        "liveness": policy.liveness.value,
        "gallery": {"people": gallery.people, "templates": gallery.templates},
        "limits": {
            "frame_bytes": frame_bytes,
            "pixels": FRAME_LIMITS.max_pixels,
            "frames_per_second": frames_per_second,
        },
    }


def person_message(person: Person) -> PersonMessage:
    return {"id": str(person.uuid), "name": person.name}


def quality_message(quality: Quality) -> QualityMessage:
    """The score, 0..1, has three decimals."""
    return {"score": round(float(quality.score), 3), "reasons": list(quality.reasons)}


def liveness_message(liveness: Liveness) -> LivenessMessage:
    return {"verdict": liveness.verdict.value, "score": liveness.score}
