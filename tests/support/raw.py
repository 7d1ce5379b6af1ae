"""HTTP by hand: clients that are slow, silent, or send what no browser would."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import build_opener

from tests.support.server import LiveServer
from tests.support.sockets import PATIENCE_S

MEGABYTE = 1024 * 1024


def connection(server: LiveServer, *, source: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S, source_address=(source, 0))


def head(method: str, path: str, *lines: str) -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *lines, "", ""]).encode()


def answer(client: socket.socket) -> bytes:
    """Everything until the server closes."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := client.recv(65536):
            received += piece
    return received


def send_until_closed(client: socket.socket, piece: bytes, times: int) -> int:
    """How often it could be sent before the server closed."""
    for number in range(times):
        try:
            client.sendall(piece)
        except OSError:
            return number
    return times


def seconds_until_closed(client: socket.socket) -> float:
    started = time.monotonic()
    answer(client)
    return time.monotonic() - started


def memory_mb(server: LiveServer, what: str = "VmRSS") -> float:
    assert server.process
    lines = Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{what}:")) / 1024


class Pings:
    """The longest time that /healthz took while this was open, in seconds."""

    longest = 0.0


@contextlib.contextmanager
def pings(server: LiveServer) -> Iterator[Pings]:
    """A thread asks for /healthz all the time."""
    result, done = Pings(), threading.Event()

    def ask() -> None:
        while not done.is_set():
            started = time.monotonic()
            build_opener().open(f"{server.url}/healthz", timeout=PATIENCE_S).read()
            result.longest = max(result.longest, time.monotonic() - started)
            done.wait(0.02)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield result
    finally:
        done.set()
        thread.join()
