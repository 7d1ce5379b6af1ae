"""Cameras that send frames to the live page's socket and note the answers."""

from __future__ import annotations

import asyncio
import json
import struct
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.websocket import TEXT, Client

EMBEDDED_MS = 0.5
"""A frame was embedded if its embed stage took longer than this; finding out that it need not be takes less."""
SHORTEST_INTERVAL = 1 / 50
"""Seconds between two frames of one socket. The server closes a socket (4429) that sends more than 60 a second."""
PATIENCE = 20.0
"""Seconds without an answer after which the server counts as stuck."""


@dataclass(slots=True)
class Phase:
    """What the clients saw, and what the server's process used, while one load lasted."""

    seconds: float = 0.0
    """From the start to the last answer."""
    sent: int = 0
    answered: int = 0
    """Frames with a result."""
    dropped: int = 0
    """Frames that the server left out for newer ones."""
    errors: int = 0
    embedded: int = 0
    """Results whose frame was embedded."""
    liveness_ms: float = 0.0
    """What the server took for looks at liveness, all frames together."""
    latencies_ms: list[float] = field(default_factory=list)
    """For every result: from sending the frame to its answer."""
    cpu_seconds: float = 0.0
    """User and system time of the server's process."""
    memory_mb: tuple[float, float] = (0.0, 0.0)
    """Resident memory at the start and at the end."""

    def summary(self) -> dict[str, float]:
        """The numbers of a report: rates per second, milliseconds, megabytes."""
        return {
            "sent_per_second": round(self.sent / self.seconds, 1),
            "answers_per_second": round(self.answered / self.seconds, 1),
            "p50_ms": round(self.percentile(50), 1),
            "p95_ms": round(self.percentile(95), 1),
            "dropped": self.dropped,
            "errors": self.errors,
            "embedded_share": round(self.embedded / max(1, self.answered), 3),
            "liveness_ms_per_answer": round(self.liveness_ms / max(1, self.answered), 2),
            "cpu_ms_per_answer": round(self.cpu_ms_per_answer, 2),
            "memory_mb_start": round(self.memory_mb[0], 1),
            "memory_mb_end": round(self.memory_mb[1], 1),
        }

    def percentile(self, percent: float) -> float:
        """A percentile (0..100) of the latencies in milliseconds; 0 without results."""
        return float(np.percentile(self.latencies_ms, percent)) if self.latencies_ms else 0.0

    @property
    def cpu_ms_per_answer(self) -> float:
        return self.cpu_seconds * 1000 / max(1, self.answered)


class Camera:
    """One socket that sends frames and notes the answers."""

    def __init__(self, client: Client, frames: list[bytes]) -> None:
        self._client, self._frames = client, frames
        self._sent_at: dict[int, float] = {}
        self._seq = self._answered_seq = 0
        self._answered = asyncio.Event()
        self._next_frame = 0.0
        self.phase = Phase()

    async def start(self) -> None:
        """Waits for the server's hello and asks to identify. Raises ConnectionError when there is no hello."""
        hello = json.loads(await self._client.receive())
        if hello["type"] != "hello":
            raise ConnectionError(f"The server answered {hello} instead of hello.")
        await self._client.send(json.dumps({"type": "configure", "mode": "identify"}).encode(), TEXT)
        self._reading = asyncio.create_task(self._read_for_ever())

    async def stop(self) -> None:
        self._reading.cancel()
        await asyncio.wait([self._reading])
        await self._client.close()

    async def as_fast_as_answers_come(self, until: float) -> None:
        """Sends the next frame as soon as the last one is answered. until: seconds of time.perf_counter()."""
        while time.perf_counter() < until:
            await self.one_frame()

    async def one_frame(self) -> None:
        """Sends one and waits for its answer."""
        await self._send_frame()
        await self._caught_up()

    async def at_a_pace(self, until: float, *, interval: float, delay: float) -> None:
        """Sends a frame every `interval` seconds, whatever comes back, then waits for the last answer.

        until: seconds of time.perf_counter(); delay: seconds before the first frame.
        """
        due = time.perf_counter() + delay
        while due < until:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            await self._send_frame()
            due += interval
        await self._caught_up()

    async def _send_frame(self) -> None:
        await asyncio.sleep(max(0.0, self._next_frame - time.perf_counter()))
        self._next_frame = time.perf_counter() + SHORTEST_INTERVAL
        self._seq += 1
        self._sent_at[self._seq] = time.perf_counter()
        self.phase.sent += 1
        picture = self._frames[self._seq % len(self._frames)]
        await self._client.send(struct.pack(">Id", self._seq, time.time() * 1000) + picture)

    async def _caught_up(self) -> None:
        """Waits for the answer to the newest frame: the server always answers that one."""
        while self._answered_seq != self._seq:
            self._answered.clear()
            try:
                await asyncio.wait_for(self._answered.wait(), PATIENCE)
            except TimeoutError:
                if self._reading.done():
                    await self._reading  # raises what ended it
                raise ConnectionError(f"The server gave no answer for {PATIENCE:g} seconds.") from None

    async def _read_for_ever(self) -> None:
        while True:
            message = json.loads(await self._client.receive())
            if message["type"] in ("result", "error"):
                self._note(message)

    def _note(self, answer: dict[str, Any]) -> None:
        self._answered_seq = answer.get("seq", self._answered_seq)
        self._answered.set()
        sent_at = self._sent_at.pop(self._answered_seq, None)
        if answer["type"] == "error" or sent_at is None:
            self.phase.errors += 1
            return
        self.phase.latencies_ms.append((time.perf_counter() - sent_at) * 1000)
        self.phase.answered += 1
        self.phase.dropped += answer["dropped"]
        self.phase.embedded += answer["timings_ms"]["embed"] > EMBEDDED_MS
        self.phase.liveness_ms += answer["timings_ms"]["liveness"]
