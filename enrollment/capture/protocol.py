"""The messages of /ws/enrollment/: a TypedDict for each, and how they are read and made. See docs/protocol.md."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, NotRequired, TypedDict
from uuid import UUID

from enrollment.errors import DuplicateCandidate, GroupUnknown, NameInvalid, PersonUnknown
from enrollment.models import Person
from enrollment.streaming.protocol import (
    LivenessMessage,
    NotTheProtocol,
    PersonMessage,
    QualityMessage,
    liveness_message,
    person_message,
    quality_message,
)
from recognizer.types import Face


class PoseMessage(TypedDict):
    yaw: float
    pitch: float
    roll: float


class FaceMessage(TypedDict):
    """One face of a frame; face_message() says in which units."""

    box_xyxy: list[float]
    landmarks: list[list[float]]
    detection_score: float
    quality: QualityMessage
    liveness: LivenessMessage
    """Of the largest face; the others are not checked."""
    pose: PoseMessage


class ResultMessage(TypedDict):
    """The answer to one frame. image: width and height in pixels. dropped: frames that it stands for besides."""

    type: Literal["result"]
    seq: int
    dropped: int
    image: list[int]
    faces: list[FaceMessage]
    guidance: str
    message: str
    captured: int
    needed: int
    timings_ms: Mapping[str, float]


class CapturedMessage(TypedDict):
    """A sample was taken; `sample` is its number. thumbnail: a data URL."""

    type: Literal["captured"]
    sample: int
    pose: str
    quality: QualityMessage
    liveness: LivenessMessage
    thumbnail: str


class CandidateMessage(TypedDict):
    """Somebody enrolled who looks like the new face, with two pictures to compare as data URLs.

    new_thumbnail: the new sample, whose number is `sample`. thumbnail: that person's most similar sample.
    """

    person: PersonMessage
    comparison_score: float
    sample: int
    new_thumbnail: str
    thumbnail: str


class PossibleDuplicateMessage(TypedDict):
    """Nothing is stored yet: the operator must compare the faces and send `finish` again."""

    type: Literal["possible_duplicate"]
    message: str
    candidates: list[CandidateMessage]


class EnrolledMessage(TypedDict):
    """The samples are stored; `samples` is their number."""

    type: Literal["enrolled"]
    person: PersonMessage
    samples: int
    set_aside: list[int]
    """Numbers of the captured samples that do not fit the others: they are kept, but not searched."""
    message: NotRequired[str]
    """Says so in a sentence; absent when all samples fit."""


@dataclass(frozen=True, slots=True)
class Somebody:
    """Whom `configure` names as a new person, as it was sent."""

    name: str
    external_id: str | None
    ticked: bool
    """Whether the person has agreed to the consent text."""
    text: object
    """Which text the page showed: see enrollment.consent.texts.text_shown()."""
    valid_from: date | None = None
    """valid_from and valid_until: the first and the last day on which searches find the person. None: no bound."""
    valid_until: date | None = None
    groups: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Finish:
    """What `finish` says. Both fields answer a possible_duplicate, after the operator has compared the faces."""

    despite_duplicate: bool
    """True: they are different people; that is noted about the pair."""
    add_to: UUID | None
    """The candidate whom the samples belong to."""


def face_message(face: Face) -> FaceMessage:
    """Boxes and landmarks in pixels of the whole image, the pose in degrees: one decimal. The score has three."""
    detection, pose = face.detection, face.quality.pose
    return {
        "box_xyxy": [round(float(value), 1) for value in detection.box_xyxy],
        "landmarks": [[round(float(x), 1), round(float(y), 1)] for x, y in detection.landmarks],
        "detection_score": round(float(detection.detection_score), 3),
        "quality": quality_message(face.quality),
        "liveness": liveness_message(face.liveness),
        "pose": {"yaw": round(pose.yaw, 1), "pitch": round(pose.pitch, 1), "roll": round(pose.roll, 1)},
    }


def candidate_message(
    candidate: DuplicateCandidate, *, sample: int, new_thumbnail: str, thumbnail: str
) -> CandidateMessage:
    """The comparison score has four decimals. See CandidateMessage for the pictures."""
    return {
        "person": person_message(candidate.person),
        "comparison_score": round(float(candidate.comparison_score), 4),
        "sample": sample,
        "new_thumbnail": new_thumbnail,
        "thumbnail": thumbnail,
    }


def enrolled_message(person: Person, samples: int, set_aside: list[int], sentence: str) -> EnrolledMessage:
    """sentence: about samples that do not fit; empty leaves `message` out."""
    message: EnrolledMessage = {
        "type": "enrolled",
        "person": person_message(person),
        "samples": samples,
        "set_aside": set_aside,
    }
    if sentence:
        message["message"] = sentence
    return message


def parse_configure(message: Mapping[str, Any]) -> Somebody | UUID:
    """A new person, or the uuid of an enrolled person to whom samples are added.

    Raises NotTheProtocol; and NameInvalid, PersonUnknown or GroupUnknown where the operator can put it right.
    """
    if message.get("person_id") is not None:
        return _parse_uuid(message["person_id"])
    person = message.get("person")
    if not isinstance(person, dict):
        raise NotTheProtocol('configure needs "person" (a new one) or "person_id" (somebody enrolled).')
    name, external_id = person.get("name"), person.get("external_id")
    if not isinstance(external_id, str | None):
        raise NotTheProtocol('"external_id" must be text.')
    if not isinstance(name, str):
        raise NameInvalid
    return Somebody(
        name,
        external_id,
        message.get("consent") is True,
        message.get("consent_text"),
        valid_from=_parse_day(person, "valid_from"),
        valid_until=_parse_day(person, "valid_until"),
        groups=_parse_groups(person.get("groups")),
    )


def parse_discard(message: Mapping[str, Any]) -> int:
    """The number of a captured sample. Raises NotTheProtocol."""
    number = message.get("sample")
    if not isinstance(number, int) or isinstance(number, bool):
        raise NotTheProtocol('discard needs "sample": the number of a captured sample.')
    return number


def parse_finish(message: Mapping[str, Any], asked_about: Collection[str]) -> Finish:
    """asked_about: uuids of the candidates in the last possible_duplicate. Raises NotTheProtocol, PersonUnknown."""
    if "add_to" not in message:
        return Finish(message.get("despite_duplicate") is True, None)
    target = _parse_uuid(message["add_to"], "add_to")
    if str(target) not in asked_about:
        raise NotTheProtocol('"add_to" must be a candidate of the possible_duplicate before.')
    return Finish(False, target)


def _parse_day(person: Mapping[str, Any], name: str) -> date | None:
    text = person.get(name)
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError):
        raise NotTheProtocol(f'"{name}" must be a day like "2026-01-31".') from None


def _parse_groups(value: Any) -> tuple[UUID, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise NotTheProtocol('"groups" must be a list of UUIDs.')
    try:
        return tuple(UUID(each) for each in value)
    except ValueError:
        raise GroupUnknown from None


def _parse_uuid(value: Any, name: str = "person_id") -> UUID:
    if not isinstance(value, str):
        raise NotTheProtocol(f'"{name}" must be the text of a UUID.')
    try:
        return UUID(value)
    except ValueError:
        raise PersonUnknown from None
