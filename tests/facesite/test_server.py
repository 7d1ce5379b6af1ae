"""`manage.py serve`, a real Daphne in a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from io import StringIO

import pytest
from django.conf import settings
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection

from facesite.management.commands.serve import Command
from facesite.server import Server
from tests.support.server import LiveServer, receive, second_process
from tests.support.sockets import PATIENCE_S, frame


def close_code(connection: ClientConnection, *, after_sending: bytes | None = None) -> int:
    """The code the server closed with: it may close in the midst of a message that is too large to be worth reading."""
    with pytest.raises(ConnectionClosed) as closed:
        read_to_the_end(connection, after_sending)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


def read_to_the_end(connection: ClientConnection, after_sending: bytes | None) -> None:
    if after_sending is not None:
        connection.send(after_sending)
    while True:
        connection.recv(timeout=PATIENCE_S)


class TestStopping:
    @pytest.mark.parametrize("with_signal", [signal.SIGTERM, signal.SIGINT])
    def test_closes_open_sockets_with_1012_and_ends_with_status_0(self, live_server_process, with_signal):
        with second_process(live_server_process) as server:
            browser = server.login()
            with browser.socket("/ws/verification/") as live, browser.socket("/ws/enrollment/") as capture:
                for connection in (live, capture):
                    receive(connection, "hello")
                server.send_signal(with_signal)
                assert [close_code(connection) for connection in (live, capture)] == [1012, 1012]
            assert server.stop() == 0
            said = server.log.read_text()
        assert "Traceback" not in said
        assert '"level": "error"' not in said

    def test_ends_with_status_0_however_often_it_is_asked(self, live_server_process):
        with second_process(live_server_process) as server:
            assert server.process
            deadline = time.monotonic() + PATIENCE_S
            while server.process.poll() is None and time.monotonic() < deadline:
                server.send_signal(signal.SIGTERM)
                time.sleep(0.001)
            assert server.stop() == 0


class TestSockets:
    def test_another_origin_is_refused(self, live_server_process: LiveServer):
        browser = live_server_process.login()
        with pytest.raises(InvalidStatus, match="403"):
            browser.socket("/ws/verification/", origin="https://evil.example")

    def test_a_missing_origin_is_refused(self, live_server_process: LiveServer):
        browser = live_server_process.login()
        with pytest.raises(InvalidStatus, match="403"):
            browser.socket("/ws/verification/", origin=None)

    @pytest.mark.parametrize("path", ["/ws/verification", "/ws/", "/ws/verification/again/", "/verification/"])
    def test_an_address_without_a_socket_is_refused_and_no_fault(self, live_server_process: LiveServer, path: str):
        before = live_server_process.log.stat().st_size
        with pytest.raises(InvalidStatus, match="403"):
            live_server_process.login().socket(path)
        assert '"level": "error"' not in live_server_process.log.read_text()[before:]

    def test_bad_frames_get_their_error_and_the_socket_lives_on(self, live_server_process: LiveServer):
        with live_server_process.login().socket("/ws/verification/") as connection:
            limit = receive(connection, "hello")["limits"]["frame_bytes"]
            connection.send(json.dumps({"type": "configure", "mode": "identify"}))
            bad = {
                1: ("image_undecodable", frame(1, b"no picture at all")),
                2: ("image_undecodable", frame(2, b"\xff\xd8\xff\xe0 cut off")),
                3: ("frame_too_large", frame(3, bytes(limit + 1))),
                4: ("frame_too_large", frame(4, bytes(4 * 1024 * 1024))),
            }
            for seq, (code, message) in bad.items():
                connection.send(message)
                error = receive(connection, "error")
                assert (error["seq"], error["code"]) == (seq, code)
            connection.send(b"short")
            assert receive(connection, "error")["code"] == "frame_too_short"

    def test_a_message_beyond_every_limit_closes_the_socket_with_a_code(self, live_server_process: LiveServer):
        with live_server_process.login().socket("/ws/verification/") as connection:
            receive(connection, "hello")
            assert close_code(connection, after_sending=bytes(9 * 1024 * 1024)) == 4413


class TestLogs:
    def test_are_json_without_query_strings(self, live_server_process: LiveServer):
        live_server_process.login().get("/enrollment/people/?q=Anna+Karenina")
        entries = [json.loads(line) for line in live_server_process.log.read_text().splitlines() if line[0] == "{"]
        requests = [entry for entry in entries if entry.get("path") == "/enrollment/people/"]
        assert requests
        assert requests[-1]["status"] == 200
        assert len(requests[-1]["request"]) == 32
        assert "Karenina" not in live_server_process.log.read_text()

    @pytest.mark.parametrize(
        ("path", "status", "told"),
        [
            ("/api/v1/people?page=2", 200, False),
            ("/faces/api/v1/people", 404, False),
            ("/api/v1/people", 503, True),
            ("/api/v1/docs", 200, True),
            ("/people/", 200, True),
        ],
    )
    def test_an_answered_call_of_the_api_has_told_its_line_itself(self, settings, path, status, told):
        settings.FACESITE_BASE_PATH = "/faces"
        lines: list[str] = []
        server = Server.__new__(Server)
        server.action_logger = lambda protocol, action, details: lines.append(details["path"])
        details = {"method": "GET", "path": path, "status": status, "size": 3, "time_taken": 0.02}
        server.log_action("http", "complete", details)
        assert lines == [path] * told


class TestStarting:
    def serve(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "manage.py", "serve", *arguments]
        return subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=60)

    def test_a_port_in_use_is_one_sentence(self, live_server_process: LiveServer):
        done = self.serve("--port", str(live_server_process.port))
        assert done.returncode == 1
        assert f"Port {live_server_process.port} on 127.0.0.1 cannot be used" in done.stderr
        assert "Traceback" not in done.stderr

    def test_a_port_that_is_none_is_one_sentence(self):
        done = self.serve("--port", "http")
        assert done.returncode != 0
        assert "PORT must be a number from 1 to 65535, not 'http'." in done.stderr
        assert "Traceback" not in done.stderr

    def test_half_of_the_tls_files_is_one_sentence(self):
        assert self.serve("--tls-cert", "cert.pem").stderr.strip().endswith("--tls-cert and --tls-key belong together.")

    def test_tls_files_that_are_missing_are_one_sentence(self, tmp_path):
        done = self.serve("--tls-cert", str(tmp_path / "c.pem"), "--tls-key", str(tmp_path / "k.pem"))
        assert done.returncode == 1
        assert done.stderr.strip().endswith(f"There is no file {tmp_path}/c.pem.")

    @pytest.mark.django_db
    def test_a_redis_that_does_not_answer_is_told(self, settings, redis_url):
        said = StringIO()
        for url in ("", redis_url, "redis://127.0.0.1:9/0"):
            settings.REDIS_URL = url
            assert "REDIS_URL" not in said.getvalue()
            Command(stderr=said).tell_what_is_missing("127.0.0.1")
        assert "No Redis answers at REDIS_URL" in said.getvalue()
