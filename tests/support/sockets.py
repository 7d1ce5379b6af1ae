"""Sockets driven by hand: a logged-in communicator, frames as the contract lays them out."""

from __future__ import annotations

import struct
from typing import Any

from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

ORIGIN = "http://localhost"


def session_cookie(user: User) -> str:
    """A fresh login session of `user`, as the value of a Cookie header."""
    client = Client()
    client.force_login(user)
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


def headers(user: User | None, *, origin: str = ORIGIN) -> list[tuple[bytes, bytes]]:
    cookie = [(b"cookie", session_cookie(user).encode())] if user else []
    return [(b"origin", origin.encode()), (b"host", b"localhost"), *cookie]


async def communicator(path: str, user: User | None, *, origin: str = ORIGIN) -> WebsocketCommunicator:
    """A communicator for the whole application (origin check, session login and routing included)."""
    from facesite.asgi import application

    return WebsocketCommunicator(application, path, headers=await sync_to_async(headers)(user, origin=origin))


def frame(seq: int, image: bytes, *, captured_at_ms: float = 0.0) -> bytes:
    """Sequence number uint32, capture time float64 (both big-endian), then one JPEG or WebP image."""
    return struct.pack(">Id", seq, captured_at_ms) + image


async def receive_until(socket: WebsocketCommunicator, kind: str, *, timeout: float = 20) -> dict[str, Any]:
    """The next message of this type; others before it are dropped."""
    while True:
        message: dict[str, Any] = await socket.receive_json_from(timeout=timeout)
        if message["type"] == kind:
            return message
