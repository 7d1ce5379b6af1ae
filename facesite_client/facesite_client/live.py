"""Frames to the live socket, decisions back. Needs the extra `live` (websockets).

The key opens a live session for one question (docs/api.md), whose token opens the socket once, for five minutes.
"""

from __future__ import annotations

import asyncio
import json
import struct
import time
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from websockets.asyncio.client import ClientConnection, connect

from facesite_client.asynchronous import AsyncFacesite
from facesite_client.calls import Call
from facesite_client.models import Liveness, PersonRef

_HEADER = struct.Struct(">Id")


@dataclass(frozen=True, slots=True)
class LiveDecision:
    """The answer about one face that was before the camera."""

    verdict: str
    person: PersonRef | None
    comparison_score: float | None
    match_threshold: float
    liveness: Liveness
    reasons: tuple[str, ...]
    attempt: str | None

    @property
    def is_match(self) -> bool:
        return self.verdict == "match"


async def decide(
    site: AsyncFacesite,
    frames: AsyncIterable[bytes] | Iterable[bytes],
    *,
    person: str | None = None,
    frames_per_second: float = 10.0,
) -> AsyncIterator[LiveDecision]:
    """Show JPEG frames to the site and yield its decisions, until the frames end.

    person: verify that it is them; None: say who it is. A frame is sent when the one before it was answered, so a slow
    site sees fewer of them. Raises ApiError, Unavailable.
    """
    session = await site._run(Call("POST", "/liveness-sessions", lambda data: data, json=_question(person)))
    base = urlsplit(str(site._http.base_url))
    scheme = "wss" if base.scheme == "https" else "ws"
    address = urlunsplit((scheme, base.netloc, base.path.rstrip("/"), "", "")) + session["socket"]
    async with connect(address, open_timeout=10, compression=None) as socket:
        await socket.send(json.dumps({"type": "configure", **_asked(person)}))
        async for decision in _show(socket, frames, 1 / frames_per_second):
            yield decision


async def _show(
    socket: ClientConnection, frames: AsyncIterable[bytes] | Iterable[bytes], pause_s: float
) -> AsyncIterator[LiveDecision]:
    sequence = 0
    async for frame in _each(frames):
        began = time.monotonic()
        await socket.send(_HEADER.pack(sequence, time.time() * 1000) + frame)
        while True:
            message = json.loads(await socket.recv())
            if message["type"] == "decision":
                yield _decision(message)
            elif message["type"] in {"result", "error"} and message.get("seq") == sequence:
                break
        sequence += 1
        await asyncio.sleep(max(0.0, pause_s - (time.monotonic() - began)))
    while True:  # a decision that the last frame brought
        try:
            message = json.loads(await asyncio.wait_for(socket.recv(), 0.5))
        except TimeoutError:
            return
        if message["type"] == "decision":
            yield _decision(message)


async def _each(frames: AsyncIterable[bytes] | Iterable[bytes]) -> AsyncIterator[bytes]:
    """A plain iterable, such as a camera's, is read in a thread: it may wait for its next picture."""
    if isinstance(frames, AsyncIterable):
        async for frame in frames:
            yield frame
        return
    iterator = iter(frames)
    while (shot := await asyncio.to_thread(next, iterator, None)) is not None:
        yield shot


def _question(person: str | None) -> dict[str, Any]:
    return {"person": person} if person else {}


def _asked(person: str | None) -> dict[str, str]:
    return {"mode": "verify", "person": person} if person else {"mode": "identify"}


def _decision(message: dict[str, Any]) -> LiveDecision:
    return LiveDecision(
        verdict=message["verdict"],
        person=PersonRef.read(message["person"]),
        comparison_score=message["comparison_score"],
        match_threshold=message["match_threshold"],
        liveness=Liveness.read(message["liveness"]),
        reasons=tuple(message["reasons"]),
        attempt=message.get("attempt"),
    )
