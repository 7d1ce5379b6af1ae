from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from api.models import LiveTicket
from enrollment.streaming.sockets import FrameConsumer
from security.keys.scopes import Scope
from security.keys.services import revoke_key
from tests.support.api import Program, problem
from tests.support.ids import NOBODY
from tests.support.sockets import Socket, show_all
from tests.verification.conftest import ADA
from verification.models import VerificationAttempt

PAGE = "https://door.example.org"
IDENTIFY = {"type": "configure", "mode": "identify"}


@pytest.fixture(autouse=True)
def _liveness_off(liveness_off):
    """Still pictures are shown."""


async def opened(program: Program, origin: str = PAGE, **asked: Any) -> tuple[Socket, bool]:
    made = await sync_to_async(program.post)("/liveness-sessions", {"origins": [PAGE]} | asked)
    assert made.status_code == 201, made.content
    return await connected(made.json()["socket"], origin)


async def connected(address: str, origin: str = PAGE) -> tuple[Socket, bool]:
    from facesite.asgi import application

    headers = [(b"host", b"localhost"), *([(b"origin", origin.encode())] if origin else [])]
    socket = Socket(application, address, headers=headers)
    return socket, (await socket.connect())[0]


class TestALiveSession:
    async def test_decides_as_the_live_page_does_and_the_history_names_the_key(self, program, ada, picture):
        socket, accepted = await opened(program)
        assert accepted
        assert (await socket.receive_json_from())["type"] == "hello"
        await socket.send_json_to(IDENTIFY)
        messages = await show_all(socket, [picture(ADA, 4)] * 10)
        (decision,) = [message for message in messages if message["type"] == "decision"]
        assert decision["person"]["id"] == ada
        attempt = await VerificationAttempt.objects.select_related("operator").aget(uuid=decision["attempt"])
        assert (attempt.source, str(attempt.operator)) == ("live", str(program.key))
        await socket.disconnect()

    async def test_asks_its_one_question_only(self, program, ada):
        socket, _ = await opened(program, person=ada)
        await socket.receive_json_from()
        await socket.send_json_to(IDENTIFY)
        assert (await socket.receive_json_from())["code"] == "message_invalid"
        await socket.disconnect()

    async def test_opens_once(self, program):
        made = await sync_to_async(program.post)("/liveness-sessions", {"origins": [PAGE]})
        socket, accepted = await connected(made.json()["socket"])
        assert accepted
        _, again = await connected(made.json()["socket"])
        assert not again
        await socket.disconnect()

    @pytest.mark.parametrize("origin", ["https://evil.example", "http://localhost", "null"])
    async def test_is_for_the_pages_that_were_named(self, program, origin):
        _, accepted = await opened(program, origin=origin)
        assert not accepted

    async def test_needs_no_origin_where_no_browser_asks(self, program):
        socket, accepted = await opened(program, origin="", origins=[])
        assert accepted
        await socket.disconnect()

    async def test_waits_two_minutes(self, program):
        made = await sync_to_async(program.post)("/liveness-sessions", {"origins": [PAGE]})
        await LiveTicket.objects.aupdate(open_until=timezone.now() - timedelta(seconds=1))
        _, accepted = await connected(made.json()["socket"])
        assert not accepted

    @pytest.mark.parametrize("end", ["time", "revoked"])
    async def test_ends_with_its_time_and_with_its_key(self, program, monkeypatch, end):
        monkeypatch.setattr(FrameConsumer, "session_check_seconds", 0.05)
        socket, _ = await opened(program)
        await socket.receive_json_from()
        if end == "time":
            await LiveTicket.objects.aupdate(ends_at=timezone.now())
        else:
            await sync_to_async(revoke_key)(actor=None, key=program.key)
        assert (await socket.receive_output())["code"] == 4401

    async def test_opens_no_other_socket(self, program):
        made = await sync_to_async(program.post)("/liveness-sessions", {"origins": [PAGE]})
        _, accepted = await connected(made.json()["socket"].replace("verification", "enrollment"))
        assert not accepted


class TestOpening:
    def test_takes_the_scope_of_its_question(self, transactional_db, engine, program, ada):
        identify, verify = Program(Scope.IDENTIFY), Program(Scope.VERIFY)
        assert identify.post("/liveness-sessions", {}).status_code == 201
        assert problem(verify.post("/liveness-sessions", {})) == (403, "scope_missing")
        assert verify.post("/liveness-sessions", {"person": ada}).status_code == 201
        assert problem(identify.post("/liveness-sessions", {"person": ada})) == (403, "scope_missing")

    def test_refuses_who_is_not_there_and_what_is_no_origin(self, program):
        assert problem(program.post("/liveness-sessions", {"person": str(NOBODY)})) == (404, "person_unknown")
        for origin in ("door.example.org", "https://door.example.org/", "ftp://door.example.org", "*"):
            answer = program.post("/liveness-sessions", {"origins": [origin]})
            assert problem(answer) == (422, "request_invalid"), origin
