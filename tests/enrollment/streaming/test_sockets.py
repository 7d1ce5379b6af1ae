from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from asgiref.sync import sync_to_async
from channels.auth import AuthMiddlewareStack
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import OperationalError
from django.utils import timezone

from enrollment.reasons import sentence_for
from enrollment.runtime.database import run_in_database_thread
from enrollment.streaming import sockets
from enrollment.streaming.sockets import Frame, FrameConsumer
from recognizer.errors import ImageUndecodable, PackNotInstalled
from security.models import SignIn
from security.rights import Right
from security.roles.groups import give_roles
from security.roles.table import Role
from security.sign_in.one_time import issue_one_time_password
from security.sign_in.sessions import begin_sign_in, idle_limit
from tests.support.operators import make_operator
from tests.support.sockets import Socket, frame, headers

pytestmark = pytest.mark.django_db(transaction=True)


class EchoConsumer(FrameConsumer):
    """Answers frames with their payload's length once `gate` is open; payloads can ask for trouble."""

    gate: ClassVar[asyncio.Event]
    at_gate: ClassVar[asyncio.Event]
    """A frame is being worked on."""
    work: ClassVar[Callable[[], None]]
    """What the message "work" has done in a database thread."""
    closed: ClassVar[int]
    rights = (Right.ENROL, Right.SET_POLICY)

    async def on_connected(self) -> None:
        await self.send_message({"type": "hello"})

    async def on_message(self, message: dict[str, Any]) -> None:
        if message["type"] == "echo":
            await self.send_message({"type": "echoed", "value": message["value"]})
        elif message["type"] == "work":
            await run_in_database_thread(type(self).work)
        else:
            await self.reject_message("message_unknown")

    async def on_frame(self, frame: Frame) -> None:
        self.at_gate.set()
        await self.gate.wait()
        if frame.payload == b"undecodable":
            raise ImageUndecodable("Not a picture.")
        if frame.payload == b"bug":
            raise ZeroDivisionError
        if frame.payload == b"no pack":
            raise PackNotInstalled("Run: manage.py packs install mobile")
        await self.send_message(
            {"type": "result", "seq": frame.seq, "dropped": frame.dropped, "bytes": len(frame.payload)}
        )

    async def on_closed(self) -> None:
        type(self).closed += 1


@pytest.fixture(autouse=True)
def fresh_consumer(monkeypatch):
    """Every test has its own gate (an Event belongs to one loop) and no sockets of other tests."""
    monkeypatch.setattr(EchoConsumer, "gate", asyncio.Event(), raising=False)
    monkeypatch.setattr(EchoConsumer, "at_gate", asyncio.Event(), raising=False)
    monkeypatch.setattr(EchoConsumer, "closed", 0, raising=False)
    EchoConsumer.gate.set()
    yield
    assert not sockets._open_sockets


async def open_socket(user, *, cookies=True) -> Socket:
    scope_headers = await sync_to_async(headers)(user if cookies else None)
    socket = Socket(AuthMiddlewareStack(EchoConsumer.as_asgi()), "/ws/", headers=scope_headers)
    accepted, _ = await socket.connect()
    assert accepted
    return socket


async def greeted(user) -> Socket:
    socket = await open_socket(user)
    assert await socket.receive_json_from() == {"type": "hello"}
    return socket


async def close_code(socket: Socket) -> int:
    """The code the server closes with; what it sends before is skipped."""
    while True:
        output = await socket.receive_output()
        if output["type"] == "websocket.close":
            await socket.disconnect()
            return int(output["code"])


async def have_heard(socket: Socket) -> None:
    """Returns when the server has received all that was sent so far: it answers an empty frame on receipt."""
    await socket.send_input({"type": "websocket.receive", "bytes": b""})
    assert (await socket.receive_json_from())["code"] == "frame_too_short"


def raise_operational_error(*args: object) -> None:
    raise OperationalError("gone away")


def note_sign_in(operator: User, *, unused: timedelta) -> None:
    """The note of the only session, last used so long ago."""
    key = Session.objects.get().session_key
    begin_sign_in(session_key=key, operator=operator, address="127.0.0.1", user_agent="")
    SignIn.objects.update(last_used_at=timezone.now() - unused)


async def fail_to_greet(consumer: object) -> None:
    raise_operational_error()


class TestLogin:
    async def test_a_visitor_is_accepted_and_closed_with_4401_so_that_the_browser_learns_why(self, db):
        assert await close_code(await open_socket(None, cookies=False)) == 4401

    async def test_an_operator_is_greeted(self, operator):
        socket = await greeted(operator)
        await socket.disconnect()

    async def test_a_deactivated_operator_is_closed_with_4401(self, operator):
        operator.is_active = False
        await operator.asave()
        assert await close_code(await open_socket(operator)) == 4401

    async def test_an_operator_without_the_right_hears_why_and_is_closed_with_4403(self, db):
        officer = await sync_to_async(make_operator)(Role.PRIVACY_OFFICER)
        socket = await open_socket(officer)
        message = await socket.receive_json_from()
        assert (message["type"], message["code"]) == ("error", "not_allowed")
        assert "Enrol people" in message["message"]
        assert await close_code(socket) == 4403

    async def test_one_of_the_socket_s_rights_is_enough(self, db):
        await (await greeted(await sync_to_async(make_operator)(Role.RECEPTIONIST))).disconnect()

    async def test_a_right_taken_away_ends_the_socket(self, operator, monkeypatch):
        monkeypatch.setattr(EchoConsumer, "session_check_seconds", 0.05)
        socket = await greeted(operator)
        await sync_to_async(give_roles)(operator, [Role.KIOSK])
        assert (await socket.receive_json_from())["code"] == "not_allowed"
        assert await close_code(socket) == 4403

    async def test_a_right_taken_away_counts_before_the_next_message(self, operator):
        socket = await greeted(operator)
        await sync_to_async(give_roles)(operator, [])
        await socket.send_json_to({"type": "echo", "value": 1})
        assert (await socket.receive_json_from())["code"] == "not_allowed"
        assert await close_code(socket) == 4403

    async def test_logging_out_ends_the_socket(self, operator, monkeypatch):
        monkeypatch.setattr(EchoConsumer, "session_check_seconds", 0.05)
        socket = await greeted(operator)
        await Session.objects.all().adelete()
        assert await close_code(socket) == 4401

    async def test_a_message_after_logout_is_not_carried_out(self, operator):
        socket = await greeted(operator)
        await Session.objects.all().adelete()
        await socket.send_json_to({"type": "echo", "value": 1})
        output = await socket.receive_output()
        assert output == {"type": "websocket.close", "code": 4401}
        await socket.disconnect()

    async def test_a_new_password_ends_the_socket(self, operator, monkeypatch):
        monkeypatch.setattr(EchoConsumer, "session_check_seconds", 0.05)
        socket = await greeted(operator)
        operator.set_password("another-password")
        await operator.asave()
        assert await close_code(socket) == 4401
        assert await Session.objects.acount() == 1  # checking it never changes it

    async def test_an_operator_who_owes_a_password_is_told_so_and_closed_with_4403(self, operator):
        await sync_to_async(issue_one_time_password)(actor=None, operator=operator)
        socket = await open_socket(operator)
        error = await socket.receive_json_from()
        assert (error["code"], "Choose your own password first" in error["message"]) == ("not_allowed", True)
        assert await close_code(socket) == 4403

    async def test_a_second_factor_that_the_site_demands_now_ends_the_socket(self, operator, monkeypatch, settings):
        monkeypatch.setattr(EchoConsumer, "session_check_seconds", 0.05)
        socket = await greeted(operator)
        settings.FACESITE_SECOND_FACTOR = "required"
        error = await socket.receive_json_from()
        assert (error["code"], "second factor" in error["message"]) == ("not_allowed", True)
        assert await close_code(socket) == 4403

    async def test_a_sign_in_that_nobody_used_for_too_long_ends_the_socket(self, operator, monkeypatch):
        monkeypatch.setattr(EchoConsumer, "session_check_seconds", 0.05)
        socket = await greeted(operator)
        await sync_to_async(note_sign_in)(operator, unused=idle_limit() + timedelta(minutes=1))
        assert await close_code(socket) == 4401

    async def test_frames_count_as_use(self, operator, monkeypatch):
        monkeypatch.setattr(EchoConsumer, "session_check_seconds", 0.05)
        socket = await greeted(operator)
        await sync_to_async(note_sign_in)(operator, unused=idle_limit() - timedelta(minutes=1))
        while timezone.now() - (await SignIn.objects.aget()).last_used_at > timedelta(minutes=1):
            await socket.send_to(bytes_data=frame(1, b"x"))
            await socket.receive_json_from()
        await socket.disconnect()

    async def test_messages_do_not(self, operator, monkeypatch):
        """A page that was left open connects again and again, and asks for the same."""
        monkeypatch.setattr(EchoConsumer, "session_check_seconds", 0.05)
        socket = await greeted(operator)
        await sync_to_async(note_sign_in)(operator, unused=idle_limit() - timedelta(minutes=1))
        for _ in range(3):
            await socket.send_json_to({"type": "echo", "value": 1})
            await socket.receive_json_from()
            await asyncio.sleep(0.1)
        assert timezone.now() - (await SignIn.objects.aget()).last_used_at > timedelta(minutes=1)
        await socket.disconnect()


class TestLimits:
    async def test_one_socket_too_many_of_an_operator_is_closed_with_4429(self, operator, monkeypatch):
        monkeypatch.setattr(EchoConsumer, "sockets_per_operator", 2)
        first, second = await greeted(operator), await greeted(operator)
        assert await close_code(await open_socket(operator)) == 4429
        await first.disconnect()
        third = await greeted(operator)
        await second.disconnect()
        await third.disconnect()

    async def test_a_silent_socket_is_closed_with_4408(self, operator, monkeypatch):
        monkeypatch.setattr(EchoConsumer, "idle_seconds", 0.1)
        assert await close_code(await open_socket(operator)) == 4408

    async def test_a_flood_of_frames_is_closed_with_4429(self, operator, monkeypatch):
        monkeypatch.setattr(EchoConsumer, "frames_per_second", 0)  # however slow this machine is, it is a flood
        socket = await greeted(operator)
        for seq in range(2 * EchoConsumer.burst):
            await socket.send_to(bytes_data=frame(seq, b"x"))
        assert await close_code(socket) == 4429

    async def test_a_text_larger_than_any_frame_is_closed_with_4413(self, operator):
        socket = await greeted(operator)
        await socket.send_to(text_data="x" * (EchoConsumer.text_bytes + 1))
        assert await close_code(socket) == 4413

    async def test_a_frame_over_the_limit_is_an_error_and_the_socket_lives_on(self, operator):
        socket = await greeted(operator)
        await socket.send_to(bytes_data=frame(7, bytes(EchoConsumer.frame_bytes)))
        error = await socket.receive_json_from()
        assert (error["code"], error["seq"]) == ("frame_too_large", 7)
        await socket.send_to(bytes_data=frame(8, bytes(EchoConsumer.frame_bytes - 12)))
        assert (await socket.receive_json_from())["bytes"] == EchoConsumer.frame_bytes - 12
        await socket.disconnect()


class TestBadMessages:
    @pytest.mark.parametrize("text", ["", "not json", "[1]", '"text"', "{}", '{"type": 5}', "[" * 100_000])
    async def test_text_that_is_not_the_protocol_is_an_error_and_the_socket_lives_on(self, operator, text):
        socket = await greeted(operator)
        await socket.send_input({"type": "websocket.receive", "text": text})
        assert (await socket.receive_json_from())["code"] == "message_invalid"
        await socket.send_json_to({"type": "echo", "value": 2})
        assert await socket.receive_json_from() == {"type": "echoed", "value": 2}
        await socket.disconnect()

    async def test_a_frame_sent_as_text_is_an_error_and_the_socket_lives_on(self, operator):
        socket = await greeted(operator)
        await socket.send_to(text_data="/9j/4AAQ" * 60_000)
        assert (await socket.receive_json_from())["code"] == "message_invalid"
        await socket.send_to(bytes_data=frame(1, b"abc"))
        assert (await socket.receive_json_from())["bytes"] == 3
        await socket.disconnect()

    @pytest.mark.parametrize(("data", "seq"), [(b"", None), (b"\0\0\0", None), (b"\0\0\0\x09", 9), (frame(5, b""), 5)])
    async def test_a_frame_without_picture_is_too_short(self, operator, data, seq):
        socket = await greeted(operator)
        await socket.send_input({"type": "websocket.receive", "bytes": data})
        error = await socket.receive_json_from()
        assert (error["code"], error.get("seq")) == ("frame_too_short", seq)
        await socket.disconnect()

    async def test_who_never_speaks_the_protocol_is_closed_with_4400(self, operator, monkeypatch):
        monkeypatch.setattr(EchoConsumer, "bad_messages_allowed", 3)
        socket = await greeted(operator)
        for _ in range(2):
            await socket.send_to(text_data="nonsense")
            await socket.send_json_to({"type": "no such type"})
        assert await close_code(socket) == 4400

    async def test_a_good_message_between_bad_ones_keeps_the_socket_open(self, operator, monkeypatch):
        monkeypatch.setattr(EchoConsumer, "bad_messages_allowed", 2)
        socket = await greeted(operator)
        for value in range(4):
            await socket.send_to(text_data="nonsense")
            assert (await socket.receive_json_from())["type"] == "error"
            await socket.send_json_to({"type": "echo", "value": value})
            assert (await socket.receive_json_from())["value"] == value
        await socket.disconnect()


class TestFrames:
    async def test_the_latest_frame_wins_and_the_next_result_counts_the_others(self, operator):
        socket = await greeted(operator)
        EchoConsumer.gate.clear()
        await socket.send_to(bytes_data=frame(0, b"taken at once"))
        await EchoConsumer.at_gate.wait()
        for seq in range(1, 6):
            await socket.send_to(bytes_data=frame(seq, b"x"))
        await have_heard(socket)
        EchoConsumer.gate.set()
        answers = [await socket.receive_json_from() for _ in range(2)]
        assert [(answer["seq"], answer["dropped"]) for answer in answers] == [(0, 0), (5, 4)]
        assert await socket.receive_nothing()
        await socket.disconnect()

    async def test_frames_dropped_for_one_that_fails_are_counted_in_the_next_result(self, operator):
        socket = await greeted(operator)
        EchoConsumer.gate.clear()
        await socket.send_to(bytes_data=frame(0, b"x"))
        await EchoConsumer.at_gate.wait()
        for seq, payload in enumerate([b"a", b"b", b"undecodable"], 1):
            await socket.send_to(bytes_data=frame(seq, payload))
        await have_heard(socket)
        EchoConsumer.gate.set()
        assert (await socket.receive_json_from())["dropped"] == 0
        error = await socket.receive_json_from()
        assert (error["code"], error["seq"], error["message"]) == ("image_undecodable", 3, "Not a picture.")
        await socket.send_to(bytes_data=frame(4, b"good"))
        assert (await socket.receive_json_from())["dropped"] == 2
        await socket.send_to(bytes_data=frame(5, b"good"))
        assert (await socket.receive_json_from())["dropped"] == 0
        await socket.disconnect()

    async def test_a_frame_before_a_message_is_answered_before_it(self, operator):
        socket = await greeted(operator)
        EchoConsumer.gate.clear()
        await socket.send_to(bytes_data=frame(1, b"first"))
        await EchoConsumer.at_gate.wait()
        await socket.send_to(bytes_data=frame(2, b"second"))
        await socket.send_json_to({"type": "echo", "value": 1})
        await socket.send_to(bytes_data=frame(3, b"third"))
        EchoConsumer.gate.set()
        answers = [await socket.receive_json_from() for _ in range(4)]
        assert [answer.get("seq", answer["type"]) for answer in answers] == [1, 2, "echoed", 3]
        await socket.disconnect()

    async def test_a_bug_is_reported_with_the_frames_seq_and_the_socket_lives_on(self, operator, caplog):
        socket = await greeted(operator)
        await socket.send_to(bytes_data=frame(1, b"bug"))
        error = await socket.receive_json_from()
        assert (error["code"], error["seq"]) == ("internal_error", 1)
        assert "ZeroDivisionError" not in json.dumps(error)
        await socket.send_to(bytes_data=frame(2, b"good"))
        assert (await socket.receive_json_from())["seq"] == 2
        await socket.disconnect()
        assert any(record.exc_info for record in caplog.records)

    async def test_a_database_that_is_away_is_told_as_often_as_needed_and_the_socket_lives_on(
        self, operator, monkeypatch, caplog
    ):
        monkeypatch.setattr(EchoConsumer, "failures_allowed", 0)
        socket = await greeted(operator)
        with monkeypatch.context() as away:
            away.setattr(sockets, "_is_welcome", raise_operational_error)
            for _ in range(3):
                await socket.send_json_to({"type": "echo", "value": 1})
                error = await socket.receive_json_from()
                assert error["code"] == "database_away"
                assert error["message"] == sentence_for("database_away")
        await socket.send_json_to({"type": "echo", "value": 2})
        assert await socket.receive_json_from() == {"type": "echoed", "value": 2}
        await socket.disconnect()
        assert [record.getMessage() for record in caplog.records].count("socket_without_database") == 1

    async def test_the_login_watch_sends_nobody_away_while_the_database_is(self, operator, monkeypatch):
        monkeypatch.setattr(EchoConsumer, "session_check_seconds", 0.01)
        monkeypatch.setattr(EchoConsumer, "failures_allowed", 0)
        socket = await greeted(operator)
        asked = asyncio.Semaphore(0)
        loop = asyncio.get_running_loop()

        def be_away(*args: object) -> None:
            loop.call_soon_threadsafe(asked.release)
            raise_operational_error()

        with monkeypatch.context() as away:
            away.setattr(sockets, "_is_welcome", be_away)
            for _ in range(5):
                await asked.acquire()
        await socket.send_json_to({"type": "echo", "value": 2})
        assert await socket.receive_json_from() == {"type": "echoed", "value": 2}
        await socket.disconnect()

    async def test_hello_is_said_when_the_database_is_back(self, operator, monkeypatch):
        monkeypatch.setattr(EchoConsumer, "greeting_retry_seconds", 0.01)
        with monkeypatch.context() as away:
            away.setattr(EchoConsumer, "on_connected", fail_to_greet)
            socket = await open_socket(operator)
            assert (await socket.receive_json_from())["code"] == "database_away"
        while (message := await socket.receive_json_from())["type"] == "error":
            pass
        assert message == {"type": "hello"}
        await socket.disconnect()

    async def test_without_a_pack_the_sentence_names_the_command_and_the_socket_ends(self, operator):
        socket = await greeted(operator)
        await socket.send_to(bytes_data=frame(1, b"no pack"))
        error = await socket.receive_json_from()
        assert error["code"] == "engine_not_ready"
        assert "packs install" in error["message"]
        assert await close_code(socket) == 1013


class TestEnd:
    async def test_leaving_while_a_frame_is_worked_on_cleans_up(self, operator):
        socket = await greeted(operator)
        EchoConsumer.gate.clear()
        await socket.send_to(bytes_data=frame(1, b"x"))
        await EchoConsumer.at_gate.wait()
        await socket.disconnect()
        assert EchoConsumer.closed == 1
        assert not sockets._open_sockets

    async def test_a_server_that_loses_patience_waits_for_the_database_work_all_the_same(self, operator, monkeypatch):
        begun, let_go = threading.Event(), threading.Event()

        def work() -> None:
            begun.set()
            let_go.wait(20)

        monkeypatch.setattr(EchoConsumer, "work", work, raising=False)
        socket = await greeted(operator)
        await socket.send_json_to({"type": "work"})
        await asyncio.to_thread(begun.wait, 20)
        leaving = asyncio.create_task(socket.disconnect(timeout=0.01))  # then cancels the application, twice
        await asyncio.sleep(0.1)
        assert (leaving.done(), EchoConsumer.closed) == (False, 0)
        let_go.set()
        await leaving
        assert EchoConsumer.closed == 1

    async def test_log_lines_hold_numbers_but_no_login_name(self, operator, caplog):
        caplog.set_level("INFO", "facesite.sockets")
        socket = await greeted(operator)
        await socket.send_to(bytes_data=frame(1, b"x"))
        await socket.receive_json_from()
        await socket.disconnect()
        data = caplog.records[-1].__dict__["data"]
        assert (data["operator"], data["frames"], data["results"], data["errors"]) == (operator.pk, 1, 1, 0)
        assert operator.username not in caplog.text + json.dumps(data)
