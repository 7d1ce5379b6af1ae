"""The messages of /ws/kiosk/ (docs/kiosk.md). A public screen hears neither scores nor whom a face only resembles."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal, NamedTuple, TypedDict
from uuid import UUID

from attendance.kiosks.greeting import Greeting
from enrollment.streaming.protocol import PROTOCOL_VERSION, LimitsMessage, NotTheProtocol
from recognizer.images import FRAME_LIMITS
from recognizer.tracking.outcomes import TrackedFace
from recognizer.types import Verdict
from verification.live.session import LiveResult
from verification.reasons import sentence_for

MOST_CAMERA_LETTERS = 300
MOST_NUMBER_LETTERS = 100
MOST_AGE_MS = 7 * 24 * 3600 * 1000


class HelloMessage(TypedDict):
    type: Literal["hello"]
    protocol: int
    limits: LimitsMessage


class FaceMessage(TypedDict):
    """state: looking, known, refused."""

    track: int
    box_xyxy: list[float]
    state: str
    hint: str


class ResultMessage(TypedDict):
    type: Literal["result"]
    seq: int
    dropped: int
    image: tuple[int, int]
    faces: list[FaceMessage]


class GreetingMessage(TypedDict):
    """track: of the face that it is about; None: no face was looked at. name, portrait: of the greeted person alone."""

    type: Literal["greeting"]
    track: int | None
    outcome: str
    title: str
    text: str
    name: str
    portrait: str


class NumberMessage(TypedDict):
    """What became of a number. final: sending it again leads nowhere."""

    type: Literal["number"]
    key: str
    final: bool
    greeting: GreetingMessage


class TypedNumber(NamedTuple):
    key: UUID
    number: str
    age: timedelta
    """How long ago it was typed."""


class Camera(NamedTuple):
    device: str
    label: str


def hello_message(*, frame_bytes: int, frames_per_second: int) -> HelloMessage:
    return {
        "type": "hello",
        "protocol": PROTOCOL_VERSION,
        "limits": {
            "frame_bytes": frame_bytes,
            "pixels": FRAME_LIMITS.max_pixels,
            "frames_per_second": frames_per_second,
        },
    }


def parse_camera(message: Mapping[str, Any]) -> Camera:
    """Which camera the device looks through. Raises NotTheProtocol."""
    camera = message.get("camera")
    texts = [camera.get("id"), camera.get("label")] if isinstance(camera, dict) else []
    if not texts or not all(isinstance(text, str) and len(text) <= MOST_CAMERA_LETTERS for text in texts):
        raise NotTheProtocol('"camera" must have the texts "id" and "label".')
    return Camera(str(texts[0]), str(texts[1]))


def parse_number(message: Mapping[str, Any]) -> TypedNumber:
    """Raises NotTheProtocol."""
    key, number, age_ms = message.get("key"), message.get("number"), message.get("age_ms")
    try:
        uuid = UUID(key if isinstance(key, str) else "")
    except ValueError:
        raise NotTheProtocol('"key" must be a UUID of its own.') from None
    if not isinstance(number, str) or not 0 < len(number.strip()) <= MOST_NUMBER_LETTERS:
        raise NotTheProtocol(f'"number" must have 1 to {MOST_NUMBER_LETTERS} characters.')
    if not isinstance(age_ms, int | float) or isinstance(age_ms, bool) or not 0 <= age_ms <= MOST_AGE_MS:
        raise NotTheProtocol('"age_ms" must say how many milliseconds ago it was typed.')
    return TypedNumber(uuid, number.strip(), timedelta(milliseconds=age_ms))


def result_message(result: LiveResult, *, seq: int, dropped: int) -> ResultMessage:
    return {
        "type": "result",
        "seq": seq,
        "dropped": dropped,
        "image": result.image_size,
        "faces": [face_message(face) for face in result.outcome.faces],
    }


def face_message(face: TrackedFace) -> FaceMessage:
    verdict = face.comparison.verdict
    state = "looking" if verdict == Verdict.PENDING else "known" if verdict == Verdict.MATCH else "refused"
    hints = face.sighting.quality.reasons if state == "looking" else ()
    return {
        "track": face.track,
        "box_xyxy": [round(value, 1) for value in face.sighting.detection.box_xyxy.tolist()],
        "state": state,
        "hint": sentence_for(hints[0]) if hints else "",
    }


def greeting_message(greeting: Greeting, track: int | None) -> GreetingMessage:
    """Two queries, where somebody is greeted."""
    return {
        "type": "greeting",
        "track": track,
        "outcome": greeting.outcome,
        "title": greeting.title,
        "text": greeting.text,
        "name": greeting.person.name if greeting.person else "",
        "portrait": greeting.portrait,
    }


def number_message(key: UUID, greeting: Greeting, *, final: bool) -> NumberMessage:
    return {"type": "number", "key": str(key), "final": final, "greeting": greeting_message(greeting, None)}
