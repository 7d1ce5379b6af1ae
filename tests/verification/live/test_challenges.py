"""The challenge over the socket, with real frames: real_female turns her head; a picture cut closer comes closer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import cv2
import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from enrollment.models import Person
from recognizer.reasons import Reason
from recognizer.tracking.challenge import Prompt
from recognizer.types import Image, Liveness, LivenessVerdict
from tests.support.sockets import Socket, show_all
from tests.support.webcam import clip_frames, jpeg
from tests.verification.live.test_consumers import PATH, named, of_type, opened, show
from verification.live import session as live
from verification.live.challenges import FAILURES_ALLOWED, WINDOW, begin_try, end_try
from verification.models import ChallengeTry, VerificationAttempt

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("engine")]
CALM, TURNED_RIGHT = 18, (20, 21, 22)
"""Frames of real_female: yaw 3; yaw -15, -23 and -36 degrees."""


def closer(image: Image, factor: float = 1.4) -> Image:
    height, width = image.shape[:2]
    inner_height, inner_width = int(height / factor), int(width / factor)
    top, left = (height - inner_height) // 2, (width - inner_width) // 2
    part = image[top : top + inner_height, left : left + inner_width]
    return cv2.resize(part, (width, height))  # type: ignore[return-value]  # cv2's stubs know no shapes


class Actress:
    """Does what is asked, with frames of a real clip."""

    def __init__(self, frames: list[Image]) -> None:
        self.calm = [jpeg(frames[CALM])]
        self.acts: dict[str | None, list[bytes]] = {
            None: self.calm,
            "turn_right": [jpeg(frames[index]) for index in TURNED_RIGHT],
            "come_closer": [jpeg(closer(frames[CALM]))],
        }
        self.seq = 0

    async def act(self, socket: Socket, prompt: str | None, times: int = 1) -> list[dict[str, Any]]:
        images = self.acts[prompt] * times
        first, self.seq = self.seq + 1, self.seq + len(images)
        return await show_all(socket, images, first=first)

    async def obey(self, socket: Socket, asked: dict[str, Any], limit: int = 40) -> list[dict[str, Any]]:
        """Everything that the server said until the challenge had ended, and in the frame after."""
        heard = [asked]
        for _ in range(limit):
            state = of_type("challenge", heard)[-1]
            if state["state"] != "running":
                break
            heard += await self.act(socket, state["prompt"])
        return heard + await self.act(socket, None)


@pytest.fixture(autouse=True)
def _prompts(monkeypatch, settings) -> None:
    settings.FACESITE_LIVENESS = "required"
    monkeypatch.setattr(live, "draw_prompts", lambda: (Prompt.TURN_RIGHT, Prompt.COME_CLOSER))


@pytest.fixture
def doubtful(engine, monkeypatch) -> None:
    """Pictures that leave liveness open."""
    open_question = Liveness(LivenessVerdict.UNCERTAIN, 0.6)
    monkeypatch.setattr(engine, "check_liveness", lambda image, detection: open_question)


@pytest.fixture
def actress(shared_faces: Path) -> Actress:
    return Actress(list(clip_frames(shared_faces / "webcam" / "real_female.mjpeg")))


@pytest.fixture
def ida(enrol: Callable[..., Person], actress: Actress) -> Person:
    return enrol("Ida", *actress.calm)


async def asked_for(socket: Socket, track: int, **more: object) -> dict[str, Any]:
    await socket.send_json_to({"type": "challenge", "track": track, **more})
    message: dict[str, Any] = await socket.receive_json_from()
    assert message["type"] == "challenge", message
    return message


async def decided(socket: Socket, actress: Actress) -> dict[str, Any]:
    (decision,) = of_type("decision", await actress.act(socket, None, 10))
    return decision


class TestPassing:
    async def test_turns_doubt_into_a_second_decision(self, operator, ida, actress, doubtful):
        socket = await opened(operator)
        first = await decided(socket, actress)
        assert (first["verdict"], first["reasons"]) == ("uncertain", ["liveness_uncertain"])
        assert first["challenge_offered"]

        heard = await actress.obey(socket, await asked_for(socket, first["track"]))
        told = of_type("challenge", heard)
        assert [(one["state"], one["prompt"], one["step"]) for one in told] == [
            ("running", None, 0),
            ("running", "turn_right", 1),
            ("running", None, 1),
            ("running", "come_closer", 2),
            ("running", None, 2),
            ("passed", None, 2),
        ]
        assert [one["code"] for one in told] == [*[None] * 5, "challenge_passed"]
        assert told[1]["message"] == "Turn your head to your right."
        assert 5 < told[1]["seconds_left"] <= 6

        (second,) = of_type("decision", heard)
        assert (second["verdict"], named(second)) == ("match", "Ida")
        assert second["track"] == first["track"]
        assert second["liveness"] == {"verdict": "bona_fide", "score": 0.6}
        assert second["reasons"] == ["challenge_passed"]
        assert not second["challenge_offered"]
        assert heard[-1]["faces"][0]["verdict"] == "match"
        await socket.disconnect()

        newest, oldest = [attempt async for attempt in VerificationAttempt.objects.all()]
        assert (oldest.verdict, oldest.liveness_verdict, oldest.reasons) == (
            "uncertain",
            "uncertain",
            ["liveness_uncertain"],
        )
        assert (str(newest.uuid), newest.verdict, newest.liveness_verdict) == (second["attempt"], "match", "bona_fide")
        assert newest.reasons == ["challenge_passed"]
        made = await ChallengeTry.objects.aget()
        assert (made.passed, made.code) == (True, "challenge_passed")

    async def test_does_not_name_a_stranger(self, operator, ada, actress, doubtful):
        socket = await opened(operator)
        first = await decided(socket, actress)
        heard = await actress.obey(socket, await asked_for(socket, first["track"]))
        (second,) = of_type("decision", heard)
        assert (second["verdict"], second["person"]) == ("non_match", None)
        assert "challenge_passed" in second["reasons"]
        await socket.disconnect()

    async def test_is_possible_on_demand_after_a_clear_decision(self, operator, ida, actress):
        socket = await opened(operator)
        first = await decided(socket, actress)
        assert (first["verdict"], first["challenge_offered"]) == ("match", False)
        heard = await actress.obey(socket, await asked_for(socket, first["track"]))
        (second,) = of_type("decision", heard)
        assert (second["verdict"], second["reasons"]) == ("match", ["challenge_passed"])
        await socket.disconnect()


class TestFailing:
    async def test_another_movement_ends_it_and_is_an_outcome_in_the_history(
        self, operator, ida, actress, doubtful, monkeypatch
    ):
        monkeypatch.setattr(live, "draw_prompts", lambda: (Prompt.COME_CLOSER, Prompt.TURN_RIGHT))
        socket = await opened(operator)
        first = await decided(socket, actress)
        await asked_for(socket, first["track"])
        heard = await actress.act(socket, None, 5) + await actress.act(socket, "turn_right", 3)
        last = of_type("challenge", heard)[-1]
        assert (last["state"], last["code"]) == ("failed", "challenge_wrong_movement")
        [outcome] = of_type("decision", heard)
        assert (outcome["track"], outcome["verdict"]) == (first["track"], "uncertain")
        assert "challenge_wrong_movement" in outcome["reasons"]
        assert outcome["challenge_offered"]
        await socket.disconnect()
        assert [attempt.reasons async for attempt in VerificationAttempt.objects.order_by("pk")] == [
            first["reasons"],
            outcome["reasons"],
        ]
        assert (await ChallengeTry.objects.aget()).code == "challenge_wrong_movement"

    async def test_somebody_else_in_her_place_ends_it(self, operator, ida, actress, picture, doubtful):
        socket = await opened(operator)
        first = await decided(socket, actress)
        await asked_for(socket, first["track"])
        await actress.act(socket, None, 5)
        for seq in range(100, 200):
            await asyncio.sleep(0.05)  # a face counts as lost after a while, however many frames come in it
            told = of_type("challenge", await show(socket, picture("Bill_Gates", 1), first=seq))
            if told:
                break
        assert told[0]["code"] in {"challenge_face_lost", "challenge_face_changed"}
        await socket.disconnect()

    async def test_an_attack_is_not_challenged(self, operator, ida, shared_faces):
        socket = await opened(operator)
        (frame, *_) = clip_frames(shared_faces / "webcam" / "spoof_F2.mjpeg")
        (decision,) = of_type("decision", await show(socket, jpeg(frame), 10))
        refused = await asked_for(socket, decision["track"])
        assert (refused["state"], refused["code"]) == ("failed", "challenge_attack")
        assert refused["steps"] == 0
        await socket.disconnect()
        assert not await ChallengeTry.objects.aexists()

    async def test_a_face_that_fills_the_picture_must_move_back_first(self, operator, ida, shared_faces):
        """A tablet held so close that its edges are out of view scores as live: movements on it must not count."""
        socket = await opened(operator)
        (frame, *_) = clip_frames(shared_faces / "webcam" / "spoof_F2.mjpeg")
        (decision,) = of_type("decision", await show(socket, jpeg(closer(frame, 2.5)), 10))
        assert (decision["liveness"]["verdict"], decision["challenge_offered"]) == ("uncertain", False)
        refused = await asked_for(socket, decision["track"])
        assert (refused["state"], refused["code"]) == ("failed", "challenge_too_close")
        assert not await ChallengeTry.objects.aexists()
        await socket.disconnect()

    async def test_pictures_that_turn_out_an_attack_end_it(self, operator, ida, actress, engine, monkeypatch, doubtful):
        socket = await opened(operator)
        first = await decided(socket, actress)
        await asked_for(socket, first["track"])
        monkeypatch.setattr("recognizer.tracking.tracks.is_sharp", lambda quality: True)
        monkeypatch.setattr(engine, "check_liveness", lambda *_: Liveness(LivenessVerdict.ATTACK, 0.01))
        heard = await actress.obey(socket, {"type": "challenge", "state": "running", "prompt": None})
        assert of_type("challenge", heard)[-1]["code"] == "challenge_attack"
        assert [outcome["verdict"] for outcome in of_type("decision", heard)] == ["attack"]
        await socket.disconnect()


class TestMessages:
    async def test_a_face_that_is_not_there_cannot_be_asked(self, operator, ida):
        socket = await opened(operator)
        assert (await asked_for(socket, 7))["code"] == "challenge_face_lost"
        await socket.disconnect()

    async def test_it_can_be_cancelled(self, operator, ida, actress):
        socket = await opened(operator)
        first = await decided(socket, actress)
        await asked_for(socket, first["track"])
        cancelled = await asked_for(socket, first["track"], cancel=True)
        assert (cancelled["state"], cancelled["code"]) == ("failed", "challenge_cancelled")
        await socket.disconnect()
        assert not (await ChallengeTry.objects.aget()).passed

    async def test_another_question_cancels_it(self, operator, ida, actress):
        socket = await opened(operator)
        first = await decided(socket, actress)
        await asked_for(socket, first["track"])
        await socket.send_json_to({"type": "configure", "mode": "identify"})
        assert (await socket.receive_json_from())["code"] == "challenge_cancelled"
        await socket.disconnect()

    @pytest.mark.parametrize("body", [{}, {"track": "1"}, {"track": True}, {"track": 1, "cancel": "yes"}])
    async def test_nonsense_is_no_protocol(self, operator, body):
        socket = await opened(operator)
        await socket.send_json_to({"type": "challenge", **body})
        assert (await socket.receive_json_from())["code"] == "message_invalid"
        await socket.disconnect()

    async def test_before_any_question_there_is_nobody_to_ask(self, operator):
        socket = await opened(operator, configure=None)
        await socket.send_json_to({"type": "challenge", "track": 1})
        assert (await socket.receive_json_from())["code"] == "not_configured"
        await socket.disconnect()


class TestWaiting:
    async def test_five_failures_make_the_session_wait_on_every_socket(self, operator, ida, actress):
        socket = await opened(operator)
        first = await decided(socket, actress)
        for _ in range(FAILURES_ALLOWED):
            assert (await asked_for(socket, first["track"]))["state"] == "running"
            await asked_for(socket, first["track"], cancel=True)
        refused = await asked_for(socket, first["track"])
        assert (refused["state"], refused["code"]) == ("failed", "challenge_wait")
        assert 170 < refused["seconds_left"] <= 180
        assert f"Wait {refused['seconds_left']} seconds" in refused["message"]
        await socket.disconnect()
        cookie = dict(socket.scope["headers"])[b"cookie"]

        again = Socket(
            socket.application,
            PATH,
            headers=[(b"origin", b"http://localhost"), (b"host", b"localhost"), (b"cookie", cookie)],
        )
        await again.connect()
        await again.receive_json_from()
        await again.send_json_to({"type": "configure", "mode": "identify"})
        actress.seq = 0
        decision = await decided(again, actress)
        assert (await asked_for(again, decision["track"]))["code"] == "challenge_wait"
        await again.disconnect()


class TestTries:
    NOW = timezone.now()

    @pytest.fixture(autouse=True)
    def _standing_clock(self, monkeypatch) -> None:
        monkeypatch.setattr("verification.live.challenges.timezone.now", lambda: self.NOW)

    def failed(self, operator: User, seconds_ago: float, session: str = "mine") -> None:
        made = begin_try(actor=operator, session_key=session)
        assert isinstance(made, ChallengeTry)
        ChallengeTry.objects.filter(pk=made.pk).update(at=self.NOW - timedelta(seconds=seconds_ago))

    def test_only_those_of_the_last_three_minutes_count(self, operator):
        for seconds_ago in (179, 100, 50, 20, 10):
            self.failed(operator, seconds_ago)
        assert begin_try(actor=operator, session_key="mine") == 1
        ChallengeTry.objects.order_by("at")[:1].get().delete()
        self.failed(operator, WINDOW.total_seconds() + 1)
        assert isinstance(begin_try(actor=operator, session_key="mine"), ChallengeTry)

    def test_that_were_passed_do_not_count(self, operator):
        for _ in range(10):
            made = begin_try(actor=operator, session_key="mine")
            assert isinstance(made, ChallengeTry)
            end_try(challenge_try=made, passed=True, code=Reason.CHALLENGE_PASSED)
        assert isinstance(begin_try(actor=operator, session_key="mine"), ChallengeTry)

    def test_that_were_never_finished_count_as_failed(self, operator):
        for _ in range(FAILURES_ALLOWED):
            assert isinstance(begin_try(actor=operator, session_key="mine"), ChallengeTry)
        assert begin_try(actor=operator, session_key="mine") == WINDOW.total_seconds()

    def test_of_another_session_do_not_count(self, operator):
        for _ in range(FAILURES_ALLOWED):
            self.failed(operator, 1)
        assert isinstance(begin_try(actor=operator, session_key="another"), ChallengeTry)

    def test_keep_no_session_key(self, operator):
        begin_try(actor=operator, session_key="mine")
        (kept,) = ChallengeTry.objects.all()
        assert "mine" not in kept.session
        assert len(kept.session) == 64
