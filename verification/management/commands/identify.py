"""manage.py identify IMAGE ...: who is on these pictures? Only --record writes anything.

Decisions are made by the code of the live page (recognizer.tracking), for a single frame.
"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from enrollment.models import Person
from enrollment.reasons import EnrollmentReason, sentence_for
from enrollment.runtime.engine import get_engine
from enrollment.runtime.gallery import current_gallery
from enrollment.selectors import people_by_uuid
from recognizer.engine import FaceEngine
from recognizer.errors import ImageError, RecognizerError
from recognizer.images import read_file
from recognizer.search.galleries import Gallery
from recognizer.types import DecisionPolicy
from verification.cards import card_of
from verification.live.protocol import CardMessage, card_message
from verification.models import VerificationAttempt
from verification.photos import IdentifiedFace, identify_image
from verification.policy import Grounds, policy_in_force
from verification.services import attempt_from, record_attempt


class Command(BaseCommand):
    help = "Tell who is on pictures: every face of each one is searched in the gallery (1:N)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("images", nargs="+", type=Path, metavar="IMAGE", help="JPEG, PNG, WebP or BMP file")
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--record", action="store_true", help="write every decision into the history")

    def handle(self, *, images: list[Path], json: bool, record: bool, **options: Any) -> None:
        try:
            identifier = Identifier(get_engine(), record=record)
        except RecognizerError as error:
            raise CommandError(str(error)) from error
        outcomes = []
        for path in images:
            outcomes.append(identifier.identify_file(path))
            if not json:
                self.print_outcome(outcomes[-1])
        if json:
            self.stdout.write(to_json({"images": outcomes}))
        failed = sum(outcome["error"] is not None for outcome in outcomes)
        if failed:
            raise CommandError(f"{failed} of {len(outcomes)} pictures could not be read.")

    def print_outcome(self, outcome: dict[str, Any]) -> None:
        if outcome["error"]:
            self.stdout.write(f"{outcome['path']}: {outcome['error']['message']} ({outcome['error']['code']})")
            return
        self.stdout.write(f"{outcome['path']}: {describe_count(len(outcome['faces']))}")
        for face in outcome["faces"]:
            self.stdout.write(f"  {describe_face(face)}")
            for line in describe_card(face["card"]):
                self.stdout.write(f"    {line}")


class Identifier:
    """Engine, gallery and policy for all pictures of one run. record: write the decisions into the history."""

    def __init__(self, engine: FaceEngine, *, record: bool) -> None:
        self.engine = engine
        self.gallery: Gallery = current_gallery(engine)
        in_force = policy_in_force(engine)
        self.policy: DecisionPolicy = in_force.policy
        self.grounds = Grounds(engine.contract_id, self.gallery.revision, in_force.saved_id)
        self.record = record

    def identify_file(self, path: Path) -> dict[str, Any]:
        """What --json prints about one picture: its `faces`, or an `error` with code and message."""
        try:
            found = identify_image(read_file(path), engine=self.engine, gallery=self.gallery, policy=self.policy)
        except OSError:
            unreadable = EnrollmentReason.FILE_UNREADABLE
            return outcome_of(path, error=(unreadable, sentence_for(unreadable)))
        except ImageError as error:
            return outcome_of(path, error=(error.code, str(error)))
        people = people_by_uuid(face.decision.person_id for face in found.faces if face.decision.person_id)
        return outcome_of(path, faces=[face_messages(face, self.attempt_of(face, people)) for face in found.faces])

    def attempt_of(self, face: IdentifiedFace, people: Mapping[str, Person]) -> VerificationAttempt:
        """The face's attempt; saved only with `record`. people: uuid as text -> person, of those whom faces match."""
        about: dict[str, Any] = {
            "operator": None,
            "mode": VerificationAttempt.Mode.IDENTIFY,
            "source": VerificationAttempt.Source.COMMAND,
            "claimed": None,
            "grounds": self.grounds,
        }
        if self.record:
            return record_attempt(decision=face.decision, **about)
        return attempt_from(face.decision, people=people, **about)


def outcome_of(
    path: Path, *, faces: list[dict[str, Any]] | None = None, error: tuple[str, str] | None = None
) -> dict[str, Any]:
    """error: reason code and sentence."""
    problem = {"code": error[0], "message": error[1]} if error else None
    return {"path": str(path), "faces": faces or [], "error": problem}


def face_messages(face: IdentifiedFace, attempt: VerificationAttempt) -> dict[str, Any]:
    """The fields of the live page's `decision` message that a still picture has. Boxes in pixels."""
    decision, person = face.decision, attempt.matched_person
    return {
        "box_xyxy": [round(value, 1) for value in face.detection.box_xyxy.tolist()],
        "detection_score": face.detection.detection_score,
        "verdict": decision.verdict.value,
        "person": {"id": str(person.uuid), "name": person.name} if person else None,
        "comparison_score": decision.comparison.comparison_score,
        "runner_up": decision.comparison.runner_up,
        "match_threshold": decision.match_threshold,
        "fmr": decision.policy.fmr,
        "population": decision.policy.population,
        "reasons": list(decision.comparison.reasons),
        "quality": {"score": face.quality.score, "reasons": list(face.quality.reasons)},
        "card": card_message(card_of(attempt, population=decision.policy.population)),
    }


def describe_count(faces: int) -> str:
    return "no face was found" if not faces else f"{faces} face{'s' if faces > 1 else ''}"


def describe_face(face: dict[str, Any]) -> str:
    """One line: who, score and threshold, and the box in pixels. face: from face_messages()."""
    left, top, right, bottom = (round(value) for value in face["box_xyxy"])
    who = face["person"]["name"] if face["person"] else face["verdict"].replace("_", " ")
    score = "nobody to compare with" if face["comparison_score"] is None else f"score {face['comparison_score']:.3f}"
    return f"{who}: {score}, threshold {face['match_threshold']:.3f}, at {left},{top}-{right},{bottom}"


def describe_card(card: CardMessage) -> list[str]:
    """Lines that say why, in the words of the history."""
    return [*card["reasons"], *(f"{fact['label']}: {fact['text']}" for fact in card["facts"])]


def to_json(data: dict[str, Any]) -> str:
    return json.dumps(data, indent=2)
