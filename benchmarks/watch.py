"""A camera that goes on while something happens to its server: how long did its frames wait?

It runs in a process of its own, so that the work of the attacking clients is not taken for the server's.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.cameras import Camera
from benchmarks.sample import make_stream
from benchmarks.websocket import Client

ROOT = Path(__file__).resolve().parent.parent
PAUSE_S = 0.05
"""Between an answer and the next frame: one camera leaves the server time for others."""
WARM_UP_S = 1.5
"""Until the face is decided."""


@dataclass(slots=True)
class Waits:
    """Complete when the watch has ended."""

    latencies_ms: list[float] = field(default_factory=list)
    """From sending each frame to its answer, one frame after the other."""

    def percentile(self, percent: float) -> float:
        return round(float(np.percentile(self.latencies_ms, percent)), 1) if self.latencies_ms else 0.0


@contextmanager
def watching(port: int, cookie: str, picture: Path) -> Iterator[Waits]:
    """Frames made of a picture of a face go to the live page meanwhile. Raises OSError when that socket ends."""
    command = [sys.executable, "-m", "benchmarks.watch", str(port), str(picture)]
    process = subprocess.Popen(  # noqa: S603
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    if process.stdin is None or process.stdout is None:  # for the type checker: pipes were asked for
        raise OSError("The watching process has no pipes.")
    waits = Waits()
    try:
        process.stdin.write(f"{cookie}\n")
        process.stdin.flush()
        process.stdout.readline()  # it has begun
        yield waits
    finally:
        said, _ = process.communicate()
    if process.returncode:
        raise OSError("The live socket that watched the server ended early: what it said stands above.")
    waits.latencies_ms = json.loads(said)


async def watch(port: int, cookie: str, frames: list[bytes]) -> list[float]:
    """Until stdin ends. The waits in milliseconds."""
    client = await Client.connect(port, "/ws/verification/", cookie)
    camera = Camera(client, frames)
    await camera.start()
    await camera.as_fast_as_answers_come(time.perf_counter() + WARM_UP_S)
    camera.phase.latencies_ms.clear()
    print("watching", flush=True)  # noqa: T201
    ended = asyncio.ensure_future(asyncio.to_thread(sys.stdin.read))
    while not ended.done():
        await camera.one_frame()
        await asyncio.sleep(PAUSE_S)
    await camera.stop()
    return camera.phase.latencies_ms


def main() -> None:
    port, picture = sys.argv[1:]
    frames = make_stream(Path(picture).read_bytes())
    cookie = sys.stdin.readline().strip()
    print(json.dumps(asyncio.run(watch(int(port), cookie, frames))))  # noqa: T201


if __name__ == "__main__":
    main()
