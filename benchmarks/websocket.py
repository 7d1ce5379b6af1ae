"""A websocket client (RFC 6455) with only what a benchmark needs, so that it costs next to nothing itself."""

from __future__ import annotations

import asyncio
import base64
import os
import socket
import struct

import numpy as np

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class SocketClosed(ConnectionError):
    """The server closed the socket; the argument is its close code."""


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def connect(cls, port: int, path: str, cookie: str, *, sock: socket.socket | None = None) -> Client:
        """Connects to 127.0.0.1 as a page of that site. Raises OSError, ConnectionError when the server refuses.

        sock: a socket that is connected already.
        """
        if sock:
            reader, writer = await asyncio.open_connection(sock=sock)
        else:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        host = f"127.0.0.1:{port}"
        key = base64.b64encode(os.urandom(16)).decode()
        request = (
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nCookie: {cookie}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {key}\r\n\r\n"
        )
        writer.write(request.encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        if b" 101 " not in answer.split(b"\r\n", 1)[0]:
            raise ConnectionError(f"The server refused the socket: {answer.splitlines()[0].decode()}")
        return cls(reader, writer)

    async def send(self, payload: bytes, kind: int = BINARY) -> None:
        """Send one message, masked as RFC 6455 asks of clients. kind: TEXT, BINARY, CLOSE or PONG."""
        length, mask = len(payload), os.urandom(4)
        if length < 126:
            head = struct.pack(">BB", 0x80 | kind, 0x80 | length)
        elif length < 65_536:
            head = struct.pack(">BBH", 0x80 | kind, 0x80 | 126, length)
        else:
            head = struct.pack(">BBQ", 0x80 | kind, 0x80 | 127, length)
        key = np.frombuffer(mask * (length // 4 + 1), np.uint8)[:length]
        self._writer.write(head + mask + (np.frombuffer(payload, np.uint8) ^ key).tobytes())
        await self._writer.drain()

    async def receive(self) -> bytes:
        """The next text or binary message. Raises SocketClosed."""
        while True:
            kind, payload = await self._read_frame()
            if kind == PING:
                await self.send(payload, PONG)
            elif kind == CLOSE:
                raise SocketClosed(struct.unpack(">H", payload[:2])[0] if payload else None)
            elif kind in (TEXT, BINARY):
                return payload

    async def close(self) -> None:
        await self.send(struct.pack(">H", 1000), CLOSE)
        self._writer.close()

    async def _read_frame(self) -> tuple[int, bytes]:
        """(kind, payload) of the next frame. This server sends each message as one frame. Raises SocketClosed."""
        try:
            first, second = await self._reader.readexactly(2)
            length = second & 0x7F
            if length == 126:
                (length,) = struct.unpack(">H", await self._reader.readexactly(2))
            elif length == 127:
                (length,) = struct.unpack(">Q", await self._reader.readexactly(8))
            return first & 0x0F, await self._reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise SocketClosed(None) from error
