"""Enrolling and being recognised over both sockets, on the starter pack."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support import portraits
from tests.support.sockets import Socket, communicator, receive_until, show_all
from tests.support.webcam import jpeg
from verification.models import VerificationAttempt
from verification.services import save_policy

pytestmark = pytest.mark.django_db(transaction=True)
COLLINS, HOPPER = portraits.PEOPLE
FRAMES = 10
IDENTIFY = {"type": "configure", "mode": "identify"}


async def connected(path: str, operator, configure: dict[str, Any]) -> Socket:
    socket = await communicator(path, operator)
    assert (await socket.connect())[0]
    hello = await receive_until(socket, "hello")
    assert hello["pack"] == "starter"
    await socket.send_json_to(configure)
    return socket


async def enrol(operator, name: str) -> str:
    configure = {"type": "configure", "person": {"name": name}, "consent": True}
    socket = await connected("/ws/enrollment/", operator, configure)
    messages = await show_all(socket, [jpeg(portraits.webcam_frame(name), 90)] * FRAMES)
    assert "captured" in {message["type"] for message in messages}
    await socket.send_json_to({"type": "finish"})
    enrolled = await receive_until(socket, "enrolled")
    await socket.disconnect()
    return str(enrolled["person"]["id"])


async def decide(operator, image: bytes, configure: dict[str, Any] = IDENTIFY) -> dict[str, Any]:
    socket = await connected("/ws/verification/", operator, configure)
    messages = await show_all(socket, [image] * FRAMES)
    (decision,) = [message for message in messages if message["type"] == "decision"]
    await socket.disconnect()
    return decision


class TestMainJob:
    async def test_who_is_enrolled_is_recognised_and_a_stranger_is_not(self, operator):
        person = await enrol(operator, COLLINS)
        known, stranger = (portraits.pictures(name, portraits.SEEN)[0] for name in portraits.PEOPLE)

        named = await decide(operator, known)
        assert (named["verdict"], named["person"]) == ("match", {"id": person, "name": COLLINS})
        assert named["comparison_score"] >= named["match_threshold"]
        refused = await decide(operator, stranger)
        assert (refused["verdict"], refused["person"]) == ("non_match", None)

        claim = {"type": "configure", "mode": "verify", "person": person}
        assert (await decide(operator, known, claim))["verdict"] == "match"
        assert (await decide(operator, stranger, claim))["verdict"] == "non_match"
        assert await VerificationAttempt.objects.acount() == 4

    async def test_where_liveness_is_required_nobody_is_named_and_head_movements_are_offered(self, operator):
        from asgiref.sync import sync_to_async

        await enrol(operator, COLLINS)
        await sync_to_async(save_policy)(actor=operator, fmr="0.0001", liveness="required")
        decision = await decide(operator, portraits.pictures(COLLINS, portraits.SEEN)[0])
        assert (decision["verdict"], decision["person"]) == ("uncertain", None)
        assert decision["reasons"] == ["liveness_unavailable"]
        assert decision["challenge_offered"]


class TestFrames:
    @pytest.mark.parametrize("name", portraits.SCENES)
    async def test_nobody_is_seen_where_nobody_is(self, operator, name):
        socket = await connected("/ws/verification/", operator, IDENTIFY)
        (result,) = await show_all(socket, [jpeg(portraits.scene(name))])
        assert result["faces"] == []
        await socket.disconnect()

    async def test_bad_frames_are_told_and_survived(self, operator):
        socket = await connected("/ws/verification/", operator, IDENTIFY)
        await socket.send_to(bytes_data=b"short")
        assert (await receive_until(socket, "error"))["code"] == "frame_too_short"
        (error,) = await show_all(socket, [b"not a picture"])
        assert error["code"] == "image_undecodable"
        (result,) = await show_all(socket, [jpeg(portraits.webcam_frame(COLLINS))])
        assert len(result["faces"]) == 1
        await socket.disconnect()
