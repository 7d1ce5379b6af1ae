"""A database that stops answering for ten seconds while people are being enrolled, at a private MariaDB."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import struct
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.site import ROOT, prepare_site, running_server
from benchmarks.websocket import TEXT, Client, SocketClosed

SCRIPT = ROOT / "scripts" / "private-mariadb"
NOT_INSTALLED = 3
SECONDS = 10
NAME = f"a database that stops for {SECONDS} s"
GOAL = "every enrolment is told so, stays, and is saved"
MOST_FRAMES = 60
"""Until a first picture is taken of a still face."""
PATIENCE_S = 60.0


def stop_the_database(environment: dict[str, str], work: Path, streams: Sequence[list[bytes]]) -> dict[str, Any]:
    """A row of the benchmark. streams: the frames of each person to enrol. Raises OSError when no server starts."""
    folder = work / "mariadb"
    started = subprocess.run([SCRIPT, "start", folder], capture_output=True, text=True)  # noqa: S603
    if started.returncode == NOT_INSTALLED:
        return {"told": "not measured: no MariaDB here", "goal": GOAL, "goal_met": None}
    if started.returncode:
        raise OSError(f"MariaDB did not start: {started.stderr.strip()}")
    try:
        client = ["mariadb", "--no-defaults", f"--socket={folder}/s.sock", "--user=root"]
        subprocess.run([*client, "--execute", "CREATE DATABASE facesite CHARACTER SET utf8mb4"], check=True)  # noqa: S603
        environment = environment | {"DATABASE_URL": started.stdout.strip()}
        cookies = prepare_site(environment, operators=len(streams), people=1, pictures=[])
        with running_server(environment) as server:
            told = asyncio.run(_enrol(server.port, cookies, streams, int((folder / "pid").read_text())))
    finally:
        subprocess.run([SCRIPT, "stop", folder], check=True)  # noqa: S603
    everybody = len(streams)
    return {
        "told": f"{told['told']} of {everybody} told, {told['saved']} saved, {told['closed']} closed",
        "goal": GOAL,
        "goal_met": told == {"told": everybody, "saved": everybody, "closed": 0},
    }


async def _enrol(port: int, cookies: Sequence[str], streams: Sequence[list[bytes]], database: int) -> dict[str, int]:
    enrolments = [
        Enrolment(await Client.connect(port, "/ws/enrollment/", cookie), number, stream)
        for number, (cookie, stream) in enumerate(zip(cookies, streams, strict=True))
    ]
    for enrolment in enrolments:
        await enrolment.capture()
    os.kill(database, signal.SIGSTOP)
    try:
        away_until = time.monotonic() + SECONDS
        await asyncio.gather(*(enrolment.go_on(away_until) for enrolment in enrolments))
    finally:
        os.kill(database, signal.SIGCONT)
    await asyncio.gather(*(enrolment.save() for enrolment in enrolments))
    return {
        "told": sum("database_away" in enrolment.errors for enrolment in enrolments),
        "saved": sum(enrolment.is_saved for enrolment in enrolments),
        "closed": sum(enrolment.is_closed for enrolment in enrolments),
    }


class Enrolment:
    """One socket in the middle of a guided capture."""

    def __init__(self, client: Client, number: int, frames: list[bytes]) -> None:
        self._client, self._number, self._frames = client, number, frames
        self._seq = 0
        self.errors: set[str] = set()
        self.is_saved = self.is_closed = False

    async def capture(self) -> None:
        """Until one picture is taken. Raises ValueError for a face of which none is."""
        await self._say({"type": "configure", "person": {"name": f"Visitor {self._number}"}, "consent": True})
        while self._seq < MOST_FRAMES:
            if (await self._frame()).get("captured"):
                return
        raise ValueError("No sample could be taken of one of the first pictures: name other faces with --faces.")

    async def go_on(self, until: float) -> None:
        """Frames, and a try to save, while the database is away. until: seconds of time.monotonic()."""
        try:
            await self._say({"type": "finish"})
            while time.monotonic() < until:
                await self._frame()
                await asyncio.sleep(0.5)
        except SocketClosed:
            self.is_closed = True

    async def save(self) -> None:
        """Again and again, as the sentence says."""
        deadline = time.monotonic() + PATIENCE_S
        try:
            while not self.is_saved and time.monotonic() < deadline:
                await self._say({"type": "finish", "despite_duplicate": True})
                await self._hear({"enrolled", "error", "possible_duplicate"})
                await asyncio.sleep(0.2)
        except SocketClosed:
            self.is_closed = True

    async def _frame(self) -> dict[str, Any]:
        self._seq += 1
        frame = self._frames[self._seq % len(self._frames)]
        await self._client.send(struct.pack(">Id", self._seq, time.time() * 1000) + frame)
        return await self._hear({"result"})

    async def _say(self, message: dict[str, Any]) -> None:
        await self._client.send(json.dumps(message).encode(), TEXT)

    async def _hear(self, kinds: set[str]) -> dict[str, Any]:
        """The next message of these types; errors and the end of the enrolment are noted on the way."""
        while True:
            message: dict[str, Any] = json.loads(await asyncio.wait_for(self._client.receive(), PATIENCE_S))
            if message["type"] == "error":
                self.errors.add(message["code"])
            self.is_saved = self.is_saved or message["type"] == "enrolled"
            if message["type"] in kinds:
                return message
