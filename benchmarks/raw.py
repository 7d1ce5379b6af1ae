"""HTTP by hand: clients that are slow, silent, or send what no browser would."""

from __future__ import annotations

import contextlib
import select
import socket

MEGABYTE = 1024 * 1024
PATIENCE_S = 60.0


def connect(port: int, *, source: str = "127.0.0.1") -> socket.socket:
    """To a server on this machine."""
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S, source_address=(source, 0))


def head(method: str, path: str, *lines: str, host: str = "localhost") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", f"Host: {host}", *lines, "", ""]).encode()


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


def send_on(client: socket.socket, piece: bytes, times: int) -> tuple[int, bytes]:
    """Sends on whatever the server says, as no honest client does: how often before it closed, and what it said."""
    said = b""
    for number in range(times):
        try:
            if select.select([client], [], [], 0)[0]:
                said += client.recv(65536)
            client.sendall(piece)
        except OSError:
            return number, said
    return times, said + answer(client)


def status_of(said: bytes) -> str:
    """The status of an answer as it came; "no answer" for none."""
    return said.split(b" ", 2)[1].decode() if said.startswith(b"HTTP/") else "no answer"
