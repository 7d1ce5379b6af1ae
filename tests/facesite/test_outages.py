"""Pages and handshakes while the database is away or full."""

from __future__ import annotations

import json

import pytest
from channels.testing import WebsocketCommunicator
from django.contrib.sessions.backends.db import SessionStore
from django.db import OperationalError, connection
from django.test import Client
from pytest_django.asserts import assertContains

from enrollment.reasons import sentence_for
from facesite import health
from facesite.outages import SocketOutage
from recognizer.errors import EngineNotReady
from tests.support.sockets import PATIENCE_S, communicator

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def fail_sessions(monkeypatch):
    def fail(error: Exception) -> None:
        def load(self):
            raise error

        monkeypatch.setattr(SessionStore, "load", load)

    return fail


class TestPages:
    @pytest.mark.parametrize(
        ("error", "code"),
        [
            (OperationalError(2002, "Can't connect"), "database_away"),
            (OperationalError(1021, "Disk full"), "disk_full"),
            (OSError(28, "No space left on device"), "disk_full"),
        ],
    )
    def test_a_page_says_what_is_wrong_and_when_to_come_again(self, operator, fail_sessions, error, code):
        client = Client(raise_request_exception=False)
        client.force_login(operator)
        fail_sessions(error)
        response = client.get("/")
        assertContains(response, sentence_for(code).replace("'", "&#x27;"), status_code=503)
        assert response.headers["Retry-After"] == "5"
        assert response.headers["Content-Security-Policy"]

    def test_a_page_speaks_what_the_browser_likes_though_the_session_cannot_be_read(self, operator, fail_sessions):
        client = Client(raise_request_exception=False)
        client.force_login(operator)
        fail_sessions(OperationalError(2002, "Can't connect"))
        response = client.get("/", headers={"Accept-Language": "ar"})
        assertContains(response, '<html lang="ar" dir="rtl">', status_code=503)

    def test_a_page_says_so_while_the_gallery_is_being_loaded(self, operator, fail_sessions):
        client = Client(raise_request_exception=False)
        client.force_login(operator)
        fail_sessions(EngineNotReady("The gallery is being loaded: 42%."))
        assertContains(client.get("/"), "is being loaded: 42%.", status_code=503)

    def test_any_other_fault_is_still_a_500(self, operator, fail_sessions):
        client = Client(raise_request_exception=False)
        client.force_login(operator)
        fail_sessions(ZeroDivisionError())
        assertContains(client.get("/"), "Something went wrong", status_code=500)


class TestHandshakes:
    async def test_a_handshake_is_told_so_and_to_come_again(self, operator, fail_sessions):
        socket = await communicator("/ws/enrollment/", operator)
        fail_sessions(OperationalError(2002, "Can't connect"))
        assert (await socket.connect())[0]
        assert (await socket.receive_json_from())["code"] == "database_away"
        assert await socket.receive_output() == {"type": "websocket.close", "code": 1013}

    async def test_what_breaks_later_is_not_touched(self):
        async def breaks_after_accepting(scope, receive, send):
            await send({"type": "websocket.accept"})
            raise OperationalError(2002, "Can't connect")

        socket = WebsocketCommunicator(SocketOutage(breaks_after_accepting), "/ws/")
        assert await socket.connect(PATIENCE_S)
        with pytest.raises(OperationalError):
            await socket.wait(PATIENCE_S)


class TestReadiness:
    def test_a_full_disk_is_not_ready_and_says_so(self, engine, monkeypatch):
        monkeypatch.setattr(health, "disk_is_full", lambda: True)
        answer = Client().get("/readyz")
        assert answer.status_code == 503
        assert json.loads(answer.content)["checks"]["database"] is False
        assert json.loads(answer.content)["message"] == sentence_for("disk_full")

    def test_room_is_asked_of_the_databases_folder(self, monkeypatch):
        assert not health.disk_is_full()
        monkeypatch.setattr(health, "LEAST_FREE_BYTES", 1 << 62)
        assert health.disk_is_full() is (connection.vendor == "sqlite")
