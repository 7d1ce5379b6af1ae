"""Sockets driven by hand: a logged-in communicator, frames as the contract lays them out."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any

from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

ORIGIN = "http://localhost"
PATIENCE_S = 60.0
"""For every answer: a busy machine is no failure. Channels' own second would be."""


class Socket(WebsocketCommunicator):
    """A patient communicator."""

    async def connect(self, timeout: float = PATIENCE_S) -> tuple[bool, Any]:
        accepted, code_or_protocol = await super().connect(timeout)
        return bool(accepted), code_or_protocol

    async def receive_output(self, timeout: float = PATIENCE_S) -> dict[str, Any]:
        output: dict[str, Any] = await super().receive_output(timeout)
        return output

    async def receive_json_from(self, timeout: float = PATIENCE_S) -> dict[str, Any]:
        message: dict[str, Any] = await super().receive_json_from(timeout)
        return message

    async def disconnect(self, code: int = 1000, timeout: float = PATIENCE_S) -> None:
        """Returns when the consumer is through with everything."""
        await super().disconnect(code, timeout)


def session_cookie(user: User) -> str:
    """A fresh login session of `user`, as the value of a Cookie header."""
    client = Client()
    client.force_login(user)
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


def headers(user: User | None, *, origin: str = ORIGIN, language: str = "") -> list[tuple[bytes, bytes]]:
    cookie = [(b"cookie", session_cookie(user).encode())] if user else []
    accepts = [(b"accept-language", language.encode())] if language else []
    return [(b"origin", origin.encode()), (b"host", b"localhost"), *cookie, *accepts]


async def communicator(path: str, user: User | None, *, origin: str = ORIGIN, language: str = "") -> Socket:
    """A socket of the whole application (origin check, session login and routing included)."""
    from facesite.asgi import application

    return Socket(application, path, headers=await sync_to_async(headers)(user, origin=origin, language=language))


def frame(seq: int, image: bytes, *, captured_at_ms: float = 0.0) -> bytes:
    """Sequence number uint32, capture time float64 (both big-endian), then one JPEG or WebP image."""
    return struct.pack(">Id", seq, captured_at_ms) + image


async def receive_until(socket: Socket, kind: str) -> dict[str, Any]:
    """The next message of this type; others before it are dropped."""
    while True:
        message = await socket.receive_json_from()
        if message["type"] == kind:
            return message


async def show_all(socket: Socket, images: Iterable[bytes], *, first: int = 1) -> list[dict[str, Any]]:
    """Send pictures, each after the answer to the one before. Everything that the server had to say."""
    messages: list[dict[str, Any]] = []
    for seq, image in enumerate(images, first):
        await socket.send_to(bytes_data=frame(seq, image))
        while True:
            messages.append(await socket.receive_json_from())
            if messages[-1]["type"] in ("result", "error") and messages[-1].get("seq") == seq:
                break
    return messages + await last_words(socket)


async def last_words(socket: Socket) -> list[dict[str, Any]]:
    """What follows the last answer (a decision). A socket works in order: nothing comes after what nobody knows."""
    await socket.send_json_to({"type": "anything else?"})
    messages: list[dict[str, Any]] = []
    while (message := await socket.receive_json_from()).get("code") != "message_unknown":
        messages.append(message)
    return messages
