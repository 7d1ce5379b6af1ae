"""Signing in on running servers: what one process knows, the others know."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from websockets.exceptions import ConnectionClosed

from security.sign_in.limits import ADDRESS, AT_KNOWN_ADDRESS
from tests.support.server import Browser, LiveServer, receive, second_process
from tests.support.sockets import PATIENCE_S


def try_to_sign_in(server: LiveServer, name: str, password: str) -> tuple[int, str]:
    browser = Browser(server)
    browser.get("/accounts/login/")
    return browser.post("/accounts/login/", username=name, password=password)


class TestLimits:
    def test_processes_count_together_and_the_log_has_the_address(self, live_server_process: LiveServer):
        with second_process(live_server_process) as second:
            processes = (live_server_process, second)
            for number in range(AT_KNOWN_ADDRESS.free):
                assert try_to_sign_in(processes[number % 2], live_server_process.operator, "wrong")[0] == 200
            for server in processes:
                status, page = try_to_sign_in(server, live_server_process.operator, live_server_process.password)
                assert status == 429
                assert "Too many wrong passwords. Try again in" in page
            assert '"message": "sign_in_failed"' in second.log.read_text()
            assert '"address": "127.0.0.1"' in second.log.read_text()
        time.sleep(AT_KNOWN_ADDRESS.first.total_seconds())  # the tests after this one sign in

    def test_32_anonymous_sign_ins_at_once_are_refused_unchecked_but_for_a_few(self, live_server_process: LiveServer):
        with ThreadPoolExecutor(32) as pool:
            told = list(
                pool.map(lambda number: try_to_sign_in(live_server_process, f"name-{number}", "wrong")[0], range(32))
            )
        assert set(told) == {200, 429}
        assert told.count(200) <= ADDRESS.free + 1

    def test_nobody_who_is_known_there_waits_for_them(self, live_server_process: LiveServer):
        assert try_to_sign_in(live_server_process, "somebody", "wrong")[0] == 429
        live_server_process.login()


class TestEndedSignIn:
    def test_closes_its_socket_within_seconds(self, live_server_process: LiveServer):
        here, other = live_server_process.login(), live_server_process.login()
        with other.socket("/ws/verification/") as connection:
            receive(connection, "hello")
            _, page = here.post("/account/sign-ins/end/")
            ended = time.monotonic()
            assert "Signed out in" in page
            with pytest.raises(ConnectionClosed) as closed:
                connection.recv(timeout=PATIENCE_S)
            assert closed.value.rcvd
            assert closed.value.rcvd.code == 4401
            assert time.monotonic() - ended < 10
        assert here.get("/")[0] == 200
