"""HTTP by hand: clients that are slow, silent, or send what no browser would."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import build_opener

from benchmarks.raw import MEGABYTE, answer, connect, head, send_until_closed
from tests.support.server import LiveServer
from tests.support.sockets import PATIENCE_S

__all__ = ["MEGABYTE", "answer", "head", "send_until_closed"]
"""Shared with the benchmark of attacks."""


def connection(server: LiveServer, *, source: str = "127.0.0.1") -> socket.socket:
    return connect(server.port, source=source)


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
