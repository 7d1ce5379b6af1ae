"""Passive liveness as a whole: the labelled clips of ../shared/faces/webcam through the socket, liveness required."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from enrollment.models import Person
from tests.support.sockets import show_all
from tests.support.webcam import clip_frames, jpeg
from tests.verification.test_consumers import PATH, named, of_type, opened
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
