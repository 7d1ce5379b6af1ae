"""Passive liveness as a whole: the labelled clips of ../shared/faces/webcam through the socket, liveness required."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import pytest

from enrollment.models import Person
from recognizer.types import Image
from tests.support.sockets import show_all
from tests.support.webcam import clip_frames, fit, jpeg
from tests.verification.live.test_consumers import PATH, named, of_type, opened
from verification.models import VerificationAttempt

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("engine", "liveness_required")]
LIVE = ["real_T1", "real_male", "real_female", "two_faces"]
ATTACKS = ["spoof_F1", "spoof_F2"]


@pytest.fixture
def liveness_required(settings) -> None:
    settings.FACESITE_LIVENESS = "required"


@pytest.fixture
def clip(shared_faces: Path) -> Callable[[str], list[bytes]]:
    """clip(name): its frames as the page would send them."""

    def read(name: str) -> list[bytes]:
        return [jpeg(frame) for frame in clip_frames(shared_faces / "webcam" / f"{name}.mjpeg")]

    return read


@pytest.fixture
def everybody(enrol: Callable[..., Person], clip: Callable[[str], list[bytes]]) -> dict[str, Person]:
    """Clip -> the person in it, enrolled from that very clip: whoever is not named, is not for want of likeness.

    (The largest face of two_faces; attacks are enrolled too, so that a match is what a wrong verdict would give.)
    """
    return {name: enrol(name, *clip(name)[9:19:3]) for name in [*LIVE, *ATTACKS]}


def named_in(decisions: list[dict]) -> set[str]:
    return {one["person"]["name"] for one in decisions if one["person"]}


async def decisions_on(operator, frames: list[bytes], start: int = 0) -> list[dict]:
    socket = await opened(operator)
    messages = await show_all(socket, [*frames[start:], *frames[:start]][:40])
    await socket.disconnect()
    return of_type("decision", messages)


class TestClips:
    @pytest.mark.parametrize("start", [0, 15])
    @pytest.mark.parametrize("name", ATTACKS)
    async def test_an_attack_names_nobody_although_the_face_is_enrolled(self, operator, everybody, clip, name, start):
        decisions = await decisions_on(operator, clip(name), start)
        assert [decision["verdict"] for decision in decisions] == ["attack"]
        assert decisions[0]["person"] is None
        assert decisions[0]["comparison_score"] > decisions[0]["match_threshold"]
        assert not decisions[0]["challenge_offered"]
        attempt = await VerificationAttempt.objects.select_related("matched_person").aget()
        assert (attempt.verdict, attempt.liveness_verdict, attempt.matched_person) == ("attack", "attack", None)
        assert attempt.liveness_score == decisions[0]["liveness"]["score"] < 0.5

    async def test_a_live_person_is_recognised(self, operator, everybody, clip):
        (decision,) = await decisions_on(operator, clip("real_T1"))
        assert (decision["verdict"], named(decision)) == ("match", "real_T1")
        assert decision["liveness"]["verdict"] == "bona_fide"
        attempt = await VerificationAttempt.objects.aget()
        assert attempt.liveness_verdict == "bona_fide"
        assert attempt.liveness_score == decision["liveness"]["score"] > 0.9

    @pytest.mark.parametrize("start", [0, 5, 20])
    @pytest.mark.parametrize("name", LIVE)
    async def test_no_live_person_is_called_an_attack(self, operator, everybody, clip, name, start):
        """two_faces is so blurred that single frames score like attacks: doubt, and the challenge is offered."""
        decisions = await decisions_on(operator, clip(name), start)
        assert decisions
        assert "attack" not in {decision["verdict"] for decision in decisions}
        doubtful = [one for one in decisions if one["liveness"]["verdict"] == "uncertain"]
        assert all(one["verdict"] == "uncertain" and one["challenge_offered"] for one in doubtful)

    async def test_an_empty_room_has_nobody_to_decide_about(self, operator, everybody, clip):
        assert await decisions_on(operator, clip("no_face")) == []


def cut(image: Image, share: float) -> Image:
    height, width = image.shape[:2]
    top, left = round(height * share), round(width * share)
    return np.ascontiguousarray(image[top : height - top, left : width - left])


def scaled(image: Image, factor: float) -> Image:
    return cast(Image, cv2.resize(image, None, fx=factor, fy=factor))


VARIANTS: dict[str, Callable[[Image], bytes]] = {
    "re-encoded": lambda image: jpeg(image, 50),
    "hardly readable": lambda image: jpeg(image, 15),
    "smaller": lambda image: jpeg(scaled(image, 0.5), 50),
    "larger": lambda image: jpeg(scaled(image, 1.5)),
    "closer": lambda image: jpeg(cut(image, 0.2)),
    "filling the picture": lambda image: jpeg(cut(image, 0.29)),
    "darker": lambda image: jpeg(cv2.convertScaleAbs(image, alpha=0.4)),  # type: ignore[arg-type]
    "brighter": lambda image: jpeg(cv2.convertScaleAbs(image, alpha=1.4)),  # type: ignore[arg-type]
    "blurred": lambda image: jpeg(cv2.GaussianBlur(image, (0, 0), 2)),  # type: ignore[arg-type]
    "mirrored": lambda image: jpeg(np.ascontiguousarray(image[:, ::-1])),
}


@pytest.fixture
def images(shared_faces: Path) -> Callable[[str], list[Image]]:
    def read(name: str) -> list[Image]:
        return list(clip_frames(shared_faces / "webcam" / f"{name}.mjpeg"))

    return read


class TestAttacksInOtherClothes:
    """What is easily done to an attack or by it: nobody is named, nobody is called not enrolled."""

    @pytest.mark.parametrize("name", ATTACKS)
    async def test_no_variant_of_an_attack_names_anybody(self, operator, everybody, images, name):
        frames = images(name)[:12]
        for variant, change in VARIANTS.items():
            decisions = await decisions_on(operator, [change(image) for image in frames])
            assert decisions, variant
            assert {decision["verdict"] for decision in decisions} <= {"attack", "uncertain"}, variant
            assert all(decision["liveness"]["verdict"] != "bona_fide" for decision in decisions), variant

    async def test_a_tablet_that_fills_the_picture_is_asked_to_move_back(self, operator, everybody, images):
        frames = [VARIANTS["filling the picture"](image) for image in images("spoof_F2")]
        (decision, *_) = await decisions_on(operator, frames)
        assert decision["reasons"][:2] == ["liveness_uncertain", "face_too_large"]
        assert "Move a little away from the camera." in decision["card"]["reasons"]

    @pytest.mark.parametrize("name", ["real_T1", "real_male", "real_female"])
    async def test_no_variant_of_a_live_person_is_called_an_attack(self, operator, everybody, images, name):
        frames = images(name)[:12]
        for variant in ("re-encoded", "hardly readable", "smaller", "larger", "closer", "mirrored"):
            decisions = await decisions_on(operator, [VARIANTS[variant](image) for image in frames])
            assert decisions, variant
            assert "attack" not in {decision["verdict"] for decision in decisions}, variant

    @pytest.mark.parametrize("attack", ATTACKS)
    async def test_a_live_helper_in_the_same_place_makes_no_attack_live(self, operator, everybody, images, attack):
        """Attack and live man take turns, as if the picture were pushed in and out of view."""
        helper = [fit(image) for image in images("real_male")]
        pushed = [fit(image) for image in images(attack)]
        turns = [jpeg(image) for pair in zip(helper, pushed, strict=False) for image in pair]
        decisions = await decisions_on(operator, turns)
        assert decisions
        assert named_in(decisions) <= {"real_male"}


class TestPolicy:
    async def test_requires_liveness_unless_somebody_said_otherwise(self, operator, settings, everybody):
        settings.FACESITE_LIVENESS = None
        from tests.support.sockets import communicator

        socket = await communicator(PATH, operator)
        await socket.connect()
        assert (await socket.receive_json_from())["liveness"] == "required"
        await socket.disconnect()

    async def test_advisory_shows_an_attack_and_still_names(self, operator, settings, everybody, clip):
        settings.FACESITE_LIVENESS = "advisory"
        (decision,) = await decisions_on(operator, clip("spoof_F2"))
        assert (decision["verdict"], named(decision)) == ("match", "spoof_F2")
        assert decision["liveness"]["verdict"] == "attack"

    async def test_off_checks_nothing(self, operator, settings, everybody, clip):
        settings.FACESITE_LIVENESS = "off"
        (decision,) = await decisions_on(operator, clip("spoof_F2"))
        assert decision["verdict"] == "match"
        assert decision["liveness"] == {"verdict": "not_checked", "score": None}
