"""Clients that wish a server ill, one function for each. They go to this machine alone and end by themselves."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
import time
import urllib.error
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.cookiejar import CookieJar
from urllib.parse import quote_plus, urlencode

from benchmarks import raw
from benchmarks.raw import MEGABYTE
from benchmarks.websocket import TEXT, Client

PATIENCE_S = 180.0
SIGN_IN_ROUNDS = 5


def send_body(port: int, path: str, *, megabytes: int, chunked: bool = False) -> str:
    """A form that nobody asked for, sent on until the server closes: the status that it answers."""
    piece = b"x" * MEGABYTE
    length = f"Content-Length: {megabytes * MEGABYTE}"
    if chunked:
        piece, length = b"%x\r\n%s\r\n" % (MEGABYTE, piece), "Transfer-Encoding: chunked"
    with raw.connect(port) as client:
        client.sendall(raw.head("POST", path, "Content-Type: multipart/form-data; boundary=x", length))
        sent, said = raw.send_on(client, piece, megabytes)
    return f"{raw.status_of(said)} after {sent} MB"


def send_headers_slowly(port: int, *, clients: int) -> str:
    """A line of a header every second, without end: how many clients were closed, and when the last one was."""
    began = time.monotonic()
    with ExitStack() as stack:
        living = [stack.enter_context(raw.connect(port)) for _ in range(clients)]
        for client in living:
            client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        while living and time.monotonic() - began < PATIENCE_S:
            time.sleep(1)
            living = [client for client in living if raw.send_until_closed(client, b"X-A: b\r\n", 1)]
    return f"{clients - len(living)} of {clients} closed within {time.monotonic() - began:.0f} s"


def come_after_idle_ones(port: int, *, idle: int) -> str:
    """A visitor's way in past connections that ask for nothing."""
    with ExitStack() as stack:
        for _ in range(idle):
            stack.enter_context(raw.connect(port))
        began = time.monotonic()
        client = stack.enter_context(raw.connect(port))
        client.sendall(raw.head("GET", "/accounts/login/", "Connection: close", host=f"127.0.0.1:{port}"))
        status = raw.status_of(raw.answer(client))
    return f"{status} after {time.monotonic() - began:.2f} s"


async def send_without_reading(port: int, cookie: str, frame: bytes) -> str:
    """Frames to the live page whose answers nobody takes: when the server closed the socket."""
    sock = socket.socket()
    # Small buffers on the way, so that it is the server's own that fill.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
    sock.connect(("127.0.0.1", port))
    began = time.monotonic()
    client = await Client.connect(port, "/ws/verification/", cookie, sock=sock)
    number = 0
    try:
        await client.send(json.dumps({"type": "configure", "mode": "identify"}).encode(), TEXT)
        while time.monotonic() - began < PATIENCE_S:
            number += 1
            await asyncio.wait_for(client.send(struct.pack(">Id", number, time.time() * 1000) + frame), PATIENCE_S)
            await asyncio.sleep(1 / 25)
    except OSError:
        return f"closed after {time.monotonic() - began:.0f} s"
    return f"open after {PATIENCE_S:.0f} s"


def guess_passwords(port: int, *, clients: int) -> Counter[int]:
    """Wrong sign-ins of that many browsers at once, some rounds of them: status -> how often."""
    browsers = [Browser(port) for _ in range(clients)]
    tokens = [browser.token("/accounts/login/") for browser in browsers]

    def guess(number: int) -> int:
        fields = {"username": f"name-{number}", "password": "wrong", "csrfmiddlewaretoken": tokens[number]}
        return browsers[number].post("/accounts/login/", urlencode(fields).encode())[0]

    answers: Counter[int] = Counter()
    with ThreadPoolExecutor(clients) as pool:
        for _ in range(SIGN_IN_ROUNDS):
            answers.update(pool.map(guess, range(clients)))
    return answers


def search_for(port: int, cookie: str, *, words: int) -> str:
    """People by so many words."""
    text = quote_plus(" ".join(f"w{number % 90}" for number in range(words)))
    with raw.connect(port) as client:
        lines = [f"Cookie: {cookie}", "Connection: close"]
        client.sendall(raw.head("GET", f"/enrollment/people/search.json?q={text}", *lines, host=f"127.0.0.1:{port}"))
        return raw.status_of(raw.answer(client))


def check_photo(port: int, cookie: str, picture: bytes) -> str:
    """The photo check's answer to a picture, and the sentence that it refuses it with."""
    browser = Browser(port, cookie)
    token = browser.token("/verification/photo/")
    body = (
        f'--limit\r\nContent-Disposition: form-data; name="csrfmiddlewaretoken"\r\n\r\n{token}\r\n'
        '--limit\r\nContent-Disposition: form-data; name="photo"; filename="a.jpg"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    ).encode() + picture + b"\r\n--limit--\r\n"  # fmt: skip
    return str(browser.post("/verification/photo/", body, "multipart/form-data; boundary=limit")[0])


class Browser:
    """Cookies and forms of one visitor. cookie: of an operator who is signed in."""

    def __init__(self, port: int, cookie: str = "") -> None:
        self._address = f"http://127.0.0.1:{port}"
        self._cookie = cookie
        self._jar = CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def token(self, path: str) -> str:
        """What a page's form must send along."""
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self._ask(path)[1])
        if not found:
            raise OSError(f"{path} has no form.")
        return found.group(1)

    def post(self, path: str, body: bytes, kind: str = "application/x-www-form-urlencoded") -> tuple[int, str]:
        return self._ask(path, body, {"Content-Type": kind})

    def _ask(self, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> tuple[int, str]:
        request = urllib.request.Request(self._address + path, data=body, headers=headers or {})  # noqa: S310
        self._jar.add_cookie_header(request)
        own = request.get_header("Cookie", "")
        if cookies := "; ".join(filter(None, [own, self._cookie])):
            request.add_unredirected_header("Cookie", cookies)
        try:
            with self._opener.open(request, timeout=PATIENCE_S) as response:
                self._jar.extract_cookies(response, request)
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
