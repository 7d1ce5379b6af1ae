"""Bodies, slow clients and crowds, at a real server."""

from __future__ import annotations

import json
import re
import resource
import socket
import subprocess
import sys
import time
from urllib.parse import urlencode

import pytest
from django.conf import settings

from benchmarks.site import free_port
from facesite.bodies import SMALL_BYTES, UPLOAD_BYTES, large_bodies_at
from facesite.connections import Channel, OpenConnections, address_of
from facesite.server import UNREAD_S, Socket
from tests.support import raw
from tests.support.ids import NOBODY
from tests.support.raw import MEGABYTE
from tests.support.server import Browser, LiveServer, running_server, second_process
from tests.support.sockets import PATIENCE_S

UPLOAD = "/enrollment/upload/"
DEPLOYMENT = settings.BASE_DIR / "docs" / "deployment.md"
TEMPLATE = settings.BASE_DIR / "deploy" / "nginx.conf.template"


def cookies(browser: Browser) -> str:
    return "Cookie: " + "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies)


def multipart(browser: Browser, files: int, size: int) -> tuple[bytes, str]:
    """A form with `files` files that are no pictures, and its Content-Type line."""
    parts = [
        f'--limit\r\nContent-Disposition: form-data; name="csrfmiddlewaretoken"\r\n\r\n{browser.cookie("csrftoken")}'
    ]
    parts += [
        f'--limit\r\nContent-Disposition: form-data; name="photos"; filename="{number}.jpg"\r\n'
        "Content-Type: image/jpeg\r\n\r\n" + "x" * size
        for number in range(files)
    ]
    return ("\r\n".join(parts) + "\r\n--limit--\r\n").encode(), "Content-Type: multipart/form-data; boundary=limit"


class TestBodyLimits:
    @pytest.mark.parametrize(
        "path",
        [
            b"/enrollment/upload/",
            b"/enrollment/people/0b8a1d1e-97c2-4b3f-8f0a-0123456789ab/upload/?x=1",
            b"/verification/photo/",
        ],
    )
    def test_pictures_may_be_large(self, path):
        entry = large_bodies_at(path)
        assert entry
        assert entry.most_bytes == UPLOAD_BYTES > 10 * 20 * MEGABYTE

    def test_the_page_of_imports_takes_what_its_setting_says(self):
        entry = large_bodies_at(b"/enrollment/import/")
        assert entry
        assert 500 * MEGABYTE < entry.most_bytes < 510 * MEGABYTE
        for example in (DEPLOYMENT, TEMPLATE):
            assert re.search(r"location = /enrollment/import/ \{\s+client_max_body_size 510m;", example.read_text())

    @pytest.mark.parametrize(
        "path",
        [
            b"/",
            b"/healthz",
            b"/accounts/login/?next=/enrollment/upload/",
            b"/enrollment/upload",
            b"/x/verification/photo/",
        ],
    )
    def test_nothing_else_may(self, path):
        assert large_bodies_at(path) is None

    @pytest.mark.parametrize(
        "path",
        [
            UPLOAD,
            f"/enrollment/people/{NOBODY}/upload/",
            "/verification/photo/",
            "/api/v1/identify",
            f"/api/v1/people/{NOBODY}/samples",
            "/api/v1/recognition/recognize",
            f"/api/v1/recognition/faces/{NOBODY}/verify",
            "/api/v1/people",
            "/",
            "/x/upload/",
        ],
    )
    def test_the_examples_for_nginx_have_the_same_pages(self, path):
        for example in (DEPLOYMENT, TEMPLATE):
            found = re.search(r"location ~ (\S+) \{\s+client_max_body_size 220m", example.read_text())
            assert found
            assert bool(re.search(found.group(1), path)) == bool(large_bodies_at(path.encode()))


class TestBodies:
    @pytest.mark.parametrize("path", ["/accounts/login/", "/healthz", "/no/such/page"])
    def test_a_large_one_is_refused_unread(self, live_server_process: LiveServer, path):
        before = raw.memory_mb(live_server_process)
        with raw.connection(live_server_process) as client:
            kind = "Content-Type: multipart/form-data; boundary=x"
            client.sendall(raw.head("POST", path, kind, f"Content-Length: {100 * MEGABYTE}"))
            raw.send_until_closed(client, b"x" * MEGABYTE, 30)
            said = raw.answer(client)
        assert said.startswith(b"HTTP/1.1 413 ")
        assert raw.memory_mb(live_server_process) - before < 20

    def test_the_client_is_told_before_it_sends(self, live_server_process: LiveServer):
        with raw.connection(live_server_process) as client:
            lines = ["Expect: 100-continue", f"Content-Length: {SMALL_BYTES + 1}"]
            client.sendall(raw.head("POST", "/accounts/login/", *lines))
            said = raw.answer(client)
        assert said.startswith(b"HTTP/1.1 413 Request Entity Too Large\r\nConnection: close\r\n")
        assert said.endswith(b"at most 1 MB can be sent here at a time.\n")

    def test_a_refusal_has_an_id_of_its_own_which_the_log_has_too(self, live_server_process: LiveServer):
        """Not that of the request before it on the same connection, whose answer's end goes on to read this one."""
        with raw.connection(live_server_process) as client:
            refused = raw.head("POST", "/api/v1/people", f"Content-Length: {SMALL_BYTES + 1}")
            client.sendall(raw.head("GET", "/healthz", "X-Request-Id: before") + refused)
            before, _, said = raw.answer(client).partition(b"HTTP/1.1 413 ")
        assert b"\r\nX-Request-Id: before\r\n" in before
        head, _, body = said.partition(b"\r\n\r\n")
        found = re.search(rb"\r\nX-Request-Id: (\w{32})\r\n", head)
        assert found
        assert json.loads(body)["request_id"] == found[1].decode()
        lines = [json.loads(line) for line in live_server_process.log.read_text().splitlines() if line[0] == "{"]
        (line,) = [line for line in lines if line.get("request") == found[1].decode()]
        assert (line["message"], line["status"]) == ("refused", 413)

    def test_a_chunked_one_is_cut_at_the_limit(self, live_server_process: LiveServer):
        chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        with raw.connection(live_server_process) as client:
            client.sendall(raw.head("POST", "/healthz", "Transfer-Encoding: chunked"))
            client.sendall(chunk * 16)  # the limit exactly
            client.sendall(b"1\r\nx\r\n0\r\n\r\n")
            assert raw.answer(client).startswith(b"HTTP/1.1 413 ")

    def test_a_chunked_one_within_the_limit_is_taken(self, live_server_process: LiveServer):
        chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        with raw.connection(live_server_process) as client:
            client.sendall(raw.head("POST", "/healthz", "Transfer-Encoding: chunked", "Connection: close"))
            client.sendall(chunk * 16 + b"0\r\n\r\n")
            assert b"X-Frame-Options: DENY" in raw.answer(client)  # it came to Django, which misses a token

    def test_a_large_upload_needs_a_login(self, live_server_process: LiveServer):
        name = live_server_process.login().session_cookie()["name"]
        for lines in ([f"Content-Length: {20 * MEGABYTE}"], ["Transfer-Encoding: chunked"]):
            with raw.connection(live_server_process) as client:
                client.sendall(raw.head("POST", UPLOAD, f"Cookie: {name}=abcdefghij0123456789", *lines))
                said = raw.answer(client)
            assert said.startswith(b"HTTP/1.1 403 ")
            assert b"not signed in" in said

    def test_ten_files_of_ten_megabytes_are_taken_from_the_disk(self, live_server_process: LiveServer):
        browser = live_server_process.login()
        body, kind = multipart(browser, 10, 10 * MEGABYTE)
        before = raw.memory_mb(live_server_process)
        with raw.pings(live_server_process) as pings, raw.connection(live_server_process) as client:
            lines = [kind, cookies(browser), f"Content-Length: {len(body)}", "Connection: close"]
            client.sendall(raw.head("POST", UPLOAD, *lines))
            client.sendall(body)
            said = raw.answer(client)
        assert [f"{number}.jpg" in said.decode() for number in range(10)] == [True] * 10
        assert raw.memory_mb(live_server_process, "VmHWM") - before < 100
        assert pings.longest < 2.0  # 0.1 on a busy machine; 3.7 when Twisted parsed the form

    def test_more_than_that_is_refused_to_everybody(self, live_server_process: LiveServer):
        browser = live_server_process.login()
        with raw.connection(live_server_process) as client:
            client.sendall(raw.head("POST", UPLOAD, cookies(browser), f"Content-Length: {UPLOAD_BYTES + 1}"))
            assert raw.answer(client).startswith(b"HTTP/1.1 413 ")

    def test_a_form_comes_to_django_as_it_was_sent(self, live_server_process: LiveServer):
        """In two packets, after another request of the same connection."""
        browser = Browser(live_server_process)
        browser.get("/accounts/login/")
        fields = {"csrfmiddlewaretoken": browser.cookie("csrftoken"), "username": "x", "password": "y" * 200_000}
        body = urlencode(fields).encode()
        form = ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}", cookies(browser)]
        with raw.connection(live_server_process) as client:
            client.sendall(
                raw.head("GET", "/healthz") + raw.head("POST", "/accounts/login/", "Connection: close", *form)
            )
            client.sendall(body[:1000])
            time.sleep(0.1)
            client.sendall(body[1000:])
            said = raw.answer(client)
        assert re.findall(rb"HTTP/1.1 (\d+)", said) == [b"200", b"200"]
        assert b"enter a correct username and password" in said


class TestSlowClients:
    def test_headers_and_bodies_that_never_end_are_cut(self, live_server_process: LiveServer):
        began = time.monotonic()
        headers, body, silent = (raw.connection(live_server_process) for _ in range(3))
        headers.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        body.sendall(raw.head("POST", "/accounts/login/", "Content-Length: 5000"))
        ends: dict[str, float] = {}
        while time.monotonic() - began < 50 and len(ends) < 2:
            for name, client, piece in (("headers", headers, b"X-A: b\r\n"), ("body", body, b"x")):
                if name not in ends and not raw.send_until_closed(client, piece, 1):
                    ends[name] = time.monotonic() - began
            time.sleep(0.5)
        assert 14 < ends["headers"] < 30
        assert 19 < ends["body"] < 35
        assert raw.answer(silent) == b""  # closed long ago
        for client in (headers, body, silent):
            client.close()

    def test_a_socket_whose_client_does_not_read_is_closed(self, live_server_process: LiveServer):
        port = free_port()
        command = [sys.executable, "-c", TALKATIVE, str(port)]
        with subprocess.Popen(
            command, env=live_server_process.environment, stdout=subprocess.PIPE, text=True
        ) as server:
            try:
                assert server.stdout
                assert server.stdout.readline() == "listening\n"
                with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as client:
                    client.sendall(raw.head("GET", "/", *HANDSHAKE))
                    assert server.stdout.readline() == "closed with 4408\n"
                    raw.answer(client)  # ends: cut by the server
            finally:
                server.kill()

    def test_even_one_result_is_not_kept_for_ever(self, monkeypatch):
        ended: list[int] = []
        monkeypatch.setattr("facesite.server.say_goodbye", lambda _, code: ended.append(code))
        reader = Socket()
        reader.pauseProducing()
        reader._end_if_unread()
        assert ended == []
        reader._full_since = time.monotonic() - UNREAD_S - 1
        reader._end_if_unread()
        assert ended == [4408]
        reader.resumeProducing()
        reader._end_if_unread()
        assert ended == [4408]


HANDSHAKE = [
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
]
TALKATIVE = """
import asyncio, sys, django
django.setup()
from facesite.server import Server

async def talk(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    end = asyncio.ensure_future(receive())
    for _ in range(30_000):
        if end.done():
            print("closed with", end.result()["code"], flush=True)
            return
        await send({"type": "websocket.send", "text": "x" * 1000})
        await asyncio.sleep(0)
    print("never closed", flush=True)

Server(
    application=talk,
    endpoints=[f"tcp:{sys.argv[1]}:interface=127.0.0.1"],
    ready_callable=lambda: print("listening", flush=True),
).run()
"""
"""A server whose socket never stops talking."""


class FakeTransport:
    def __init__(self, host: str) -> None:
        self.host = host

    def getPeer(self):  # noqa: N802
        return self


class WaitingChannel(Channel):
    def __init__(self, host: str, *, since: float, at_work: bool = False) -> None:
        super().__init__()
        self.address, self.since, self.is_idle, self._large = host, since, True, None
        self.due = None if at_work else since + 60
        self.was_cut = False

    def cut(self) -> None:
        self.was_cut = True


class TestOpenConnections:
    def test_who_has_waited_longest_makes_room_for_a_newcomer(self):
        doors = OpenConnections(per_address=None, total=3)
        old = [
            WaitingChannel("192.0.2.1", since=1, at_work=True),
            WaitingChannel("192.0.2.1", since=3),
            WaitingChannel("192.0.2.2", since=2),
        ]
        newcomer = WaitingChannel("192.0.2.3", since=4)
        for one in [*old, newcomer]:
            doors.enter(one)
        assert [one.was_cut for one in [*old, newcomer]] == [False, False, True, False]

    def test_a_crowd_from_one_address_is_its_own_problem(self):
        doors = OpenConnections(per_address=2, total=100)
        other = WaitingChannel("192.0.2.1", since=1)
        crowd = [WaitingChannel("192.0.2.2", since=since, at_work=True) for since in (2, 3, 4)]
        for one in [other, *crowd]:
            doors.enter(one)
        assert [one.was_cut for one in [other, *crowd]] == [False, False, False, True]
        for one in crowd:
            doors.leave(one)
        again = WaitingChannel("192.0.2.2", since=5)
        doors.enter(again)
        assert not again.was_cut

    def test_a_socket_counts_but_makes_no_room(self):
        doors = OpenConnections(per_address=None, total=1)
        upgraded, newcomer = WaitingChannel("192.0.2.1", since=1), WaitingChannel("192.0.2.2", since=2)
        doors.enter(upgraded)
        doors.hand_over(upgraded)
        doors.enter(newcomer)
        assert (upgraded.was_cut, newcomer.was_cut) == (False, True)

    @pytest.mark.parametrize(
        ("host", "address"),
        [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:0db8:0001:0002"),
            ("fe80::1%eth0", "fe80:0000:0000:0000"),
        ],
    )
    def test_one_client_is_one_address(self, host, address):
        assert address_of(FakeTransport(host)) == address


class TestCrowds:
    def test_idle_connections_lock_nobody_out(self, live_server_process: LiveServer):
        """More of them than the server may have files open."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        try:
            with second_process(live_server_process) as server:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
                crowd = [raw.connection(server) for _ in range(400)]
                started = time.monotonic()
                assert server.login().get("/enrollment/people/")[0] == 200
                assert time.monotonic() - started < 10
                for client in crowd:
                    client.close()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    def test_one_address_has_a_limit_that_a_setting_raises(self, models_dir):
        with running_server(models_dir, FACESITE_CONNECTIONS_PER_ADDRESS="8") as server:
            crowd = [raw.connection(server) for _ in range(9)]
            assert raw.seconds_until_closed(crowd[0]) < 10
            crowd[8].sendall(raw.head("GET", "/healthz", "Connection: close"))
            assert raw.answer(crowd[8]).startswith(b"HTTP/1.1 200 ")
            for client in crowd:
                client.close()
