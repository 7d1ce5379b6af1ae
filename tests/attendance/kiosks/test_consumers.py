"""The kiosk's socket on the real application, engine and history."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async

from attendance.kiosks.checking import roster
from attendance.kiosks.services import accept_camera, change_kiosk, revoke_kiosk
from attendance.models import Kiosk, Punch
from enrollment.models import Person
from tests.support.kiosks import device_socket, open_kiosk, paired_kiosk
from tests.support.sockets import Socket, frame, last_words, receive_until, show_all
from tests.verification.conftest import ADA, STRANGER, ada, enrol, face_of, picture  # noqa: F401
from verification.models import VerificationAttempt

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("engine", "liveness_off")]
SECRETS = ("score", "threshold", "runner_up", "fmr", "quality", "liveness")


@pytest.fixture(autouse=True)
def unread_roster() -> None:
    roster.forget()


async def say_what_it_saw(socket: Socket, images: Iterable[bytes]) -> list[dict[str, Any]]:
    said = await show_all(socket, images)
    assert [word for word in SECRETS if word in json.dumps(said)] == []
    return said


@pytest.mark.usefixtures("ada")
class TestSomebodyBeforeAKiosk:
    async def test_is_greeted_by_name_and_portrait_and_checked_in(self, picture):  # noqa: F811
        kiosk, token = await sync_to_async(paired_kiosk)()
        socket = await open_kiosk(token)
        said = await say_what_it_saw(socket, [picture(ADA, 4)] * 10)
        (greeting,) = [message for message in said if message["type"] == "greeting"]
        assert (greeting["outcome"], greeting["title"], greeting["name"]) == ("in", "Welcome, Ada", "Ada")
        assert greeting["portrait"].startswith("data:image/jpeg;base64,")
        punch = await sync_to_async(Punch.objects.select_related("attempt__operator").get)()
        assert punch.attempt
        assert (punch.direction, punch.attempt.source, punch.attempt.operator_id) == ("in", "kiosk", kiosk.account_id)
        assert str(punch.attempt.operator) == "Kiosk Front door"

        await socket.send_json_to({"type": "again"})
        said = await show_all(socket, [picture(ADA, 4)] * 10, first=20)
        (greeting,) = [message for message in said if message["type"] == "greeting"]
        assert (greeting["outcome"], greeting["title"]) == ("again", "Hello again, Ada")
        assert await Punch.objects.acount() == 1
        await socket.disconnect()

    async def test_is_only_greeted_where_that_is_all_it_does(self, picture):  # noqa: F811
        _, token = await sync_to_async(paired_kiosk)(mode="greet")
        socket = await open_kiosk(token)
        said = await say_what_it_saw(socket, [picture(ADA, 4)] * 10)
        assert [message["outcome"] for message in said if message["type"] == "greeting"] == ["greeted"]
        assert not await Punch.objects.aexists()
        await socket.disconnect()

    async def test_is_told_what_to_do_next_when_nobody_knows_them(self, picture):  # noqa: F811
        _, token = await sync_to_async(paired_kiosk)()
        socket = await open_kiosk(token)
        said = await say_what_it_saw(socket, [picture(STRANGER, 1)] * 10)
        (greeting,) = [message for message in said if message["type"] == "greeting"]
        assert (greeting["outcome"], greeting["name"], greeting["portrait"]) == ("refused", "", "")
        assert "PIN or badge number" in greeting["text"]
        assert "Ada" not in json.dumps(said)
        assert (await VerificationAttempt.objects.aget()).verdict == "non_match"
        await socket.disconnect()


class TestANumber:
    async def test_is_taken_without_a_camera_and_written_once(self, ada):  # noqa: F811
        await Person.objects.filter(pk=ada.pk).aupdate(external_id="A-17")
        _, token = await sync_to_async(paired_kiosk)()
        socket = device_socket(token)
        await socket.connect()
        await receive_until(socket, "hello")
        event = {"type": "number", "key": str(uuid4()), "number": " A-17 ", "age_ms": 0}
        outcomes = []
        for message in (event, event, event | {"key": str(uuid4())}, event | {"key": str(uuid4()), "number": "B-1"}):
            await socket.send_json_to(message)
            answer = await receive_until(socket, "number")
            outcomes.append((answer["final"], answer["greeting"]["outcome"], answer["greeting"]["name"]))
        assert outcomes == [(True, "in", "Ada"), (True, "in", "Ada"), (True, "again", "Ada"), (True, "refused", "")]
        assert await Punch.objects.acount() == 1
        for wrong in ({"key": "no"}, {"number": " "}, {"age_ms": -1}, {"age_ms": True}):
            await socket.send_json_to(event | wrong)
            assert (await receive_until(socket, "error"))["code"] == "message_invalid"
        await socket.disconnect()


class TestTheSocket:
    async def test_closes_at_once_when_its_kiosk_is_revoked(self, staff):
        kiosk, token = await sync_to_async(paired_kiosk)()
        socket = await open_kiosk(token)
        await sync_to_async(revoke_kiosk)(actor=staff, kiosk=kiosk)
        assert (await socket.receive_output())["code"] == 4401
        await socket.disconnect()
        again = device_socket(token)
        await again.connect()
        assert (await again.receive_output())["code"] == 4401

    async def test_has_its_page_loaded_again_when_its_settings_change(self, staff):
        kiosk, token = await sync_to_async(paired_kiosk)()
        socket = await open_kiosk(token)
        await sync_to_async(change_kiosk)(
            actor=staff, kiosk=kiosk, name="Back door", place="", mode="greet", sound=False
        )
        assert await socket.receive_json_from() == {"type": "reload"}
        await socket.disconnect()

    async def test_looks_through_no_other_camera_until_somebody_has_agreed(self, staff):
        kiosk, token = await sync_to_async(paired_kiosk)()
        first = await open_kiosk(token, camera="a")
        await last_words(first)
        await first.disconnect()
        other = await open_kiosk(token, camera="b")
        assert (await receive_until(other, "camera_refused"))["title"] == "This kiosk has another camera now"
        await other.send_to(bytes_data=frame(1, b"picture"))
        assert (await receive_until(other, "error"))["code"] == "not_configured"
        await sync_to_async(accept_camera)(actor=staff, kiosk=kiosk)
        await receive_until(other, "reload")
        await other.disconnect()

    async def test_notes_when_its_device_was_seen(self):
        kiosk, token = await sync_to_async(paired_kiosk)()
        socket = await open_kiosk(token)
        await socket.disconnect()
        assert (await Kiosk.objects.aget(pk=kiosk.pk)).last_seen_at
