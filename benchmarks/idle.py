"""What kiosks cost while nobody is there, beside a live page before the same scene: `manage.py benchmark live --idle`.

An empty scene with a camera's noise and a light that drifts goes, as 64 x 48 points, through the kiosk's own gate
(static/js/core/motion.js, run by node): what it lets through is what a kiosk would send. A live page sends 15 frames a
second whatever it sees. Three phases on a real server: nobody connected, one live page, all kiosks. What the server
uses with nobody connected is taken off the other two.

`python -m benchmarks.idle NUMBER` makes paired kiosks in the database that DATABASE_URL names and prints their cookies.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from benchmarks.cameras import Camera, Phase
from benchmarks.site import ROOT, Server, prepare_site, running_server, site_environment
from benchmarks.websocket import TEXT, Client
from recognizer.types import Image

LIVE_RATE: Final = 15
"""Frames a second of a live page (static/js/frames.js)."""
LOOKS_A_SECOND: Final = 4
HERE_S: Final = 30.0
"""How often a kiosk says that it is there (static/js/kiosk.js)."""
GOAL: Final = 0.01
"""Most of a live page's bytes and CPU that an idle kiosk may take (issue 11)."""
AWAKE_S: Final = 4.0
"""How long a kiosk sends frames after a movement (static/js/core/presence.js)."""
GATE: Final = """
import { readFileSync } from "node:fs";
import { HEIGHT, MotionGate, WIDTH } from "./static/js/core/motion.js";
const looks = readFileSync(0), size = WIDTH * HEIGHT * 4, gate = new MotionGate();
let moved = 0;
for (let at = 0; at < looks.length; at += size) moved += gate.look(looks.subarray(at, at + size));
console.log(moved);
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one device costs the server and the network, each second."""

    cpu_ms: float
    received_bytes: float


def run_idle(*, models_dir: Path, pack: str | None, kiosks: int, seconds: float) -> dict[str, Any]:
    """Bytes and CPU of an idle kiosk beside a live page's. Raises ValueError, OSError."""
    if kiosks < 1 or seconds < 1:
        raise ValueError("Measure with at least one kiosk, for at least a second.")
    looks = round(LOOKS_A_SECOND * max(60.0, seconds))
    moved = movements([empty_scene(number) for number in range(looks)])
    frames = [as_jpeg(empty_scene(number)) for number in range(30)]
    with tempfile.TemporaryDirectory(prefix="facesite-benchmark-") as work:
        environment = site_environment(Path(work), models_dir=models_dir, pack=pack)
        operators = prepare_site(environment, operators=1, people=20, pictures=[])
        devices = pair_kiosks(environment, kiosks)
        with running_server(environment) as server:
            live, kiosk = asyncio.run(measure(server, operators[0], devices, frames, moved / looks, seconds))
            memory = server.memory_mb("VmHWM")
    return report(live, kiosk, kiosks=kiosks, looks=looks, moved=moved, peak_mb=memory)


def empty_scene(number: int) -> Image:
    """The frame of this number of a quiet room: noise of 4 levels of grey, and a light that drifts by 10."""
    random = np.random.default_rng(number)
    room = np.linspace(60, 150, 640, dtype=np.float32)[None, :, None] + np.linspace(0, 30, 480)[:, None, None]
    light = 10 * np.sin(number / 40)
    scene = np.clip(room + light + random.normal(0, 4, (480, 640, 3)), 0, 255)
    return np.asarray(scene, dtype=np.uint8)


def as_jpeg(image: Image) -> bytes:
    return bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 80])[1])


def movements(scenes: list[Image]) -> int:
    """In how many of these frames, a quarter of a second apart, the kiosk's gate sees a movement.

    Raises ValueError without node.
    """
    node = shutil.which("node")
    if node is None:
        raise ValueError("The kiosk's motion gate is JavaScript: install node to measure it.")
    # Browsers scale without averaging all points, so the noise stays: nearest is the worst that they do.
    small = [cv2.resize(scene, (64, 48), interpolation=cv2.INTER_NEAREST) for scene in scenes]
    looks = b"".join(cv2.cvtColor(each, cv2.COLOR_BGR2RGBA).tobytes() for each in small)
    command = [node, "--input-type=module", "-e", GATE]
    return int(subprocess.run(command, cwd=ROOT, input=looks, capture_output=True, check=True).stdout)  # noqa: S603


def pair_kiosks(environment: dict[str, str], number: int) -> list[str]:
    """A cookie for each. Raises ChildProcessError."""
    command = [sys.executable, "-m", "benchmarks.idle", str(number)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)  # noqa: S603
    if done.returncode:
        raise ChildProcessError(f"The kiosks could not be made: {done.stderr.strip().splitlines()[-1]}")
    cookies: list[str] = json.loads(done.stdout.splitlines()[-1])
    return cookies


async def measure(
    server: Server, operator: str, devices: list[str], frames: list[bytes], moved: float, seconds: float
) -> tuple[Cost, Cost]:
    """What a live page costs, and a kiosk. moved: share of the looks in which the gate sees a movement."""
    await asyncio.sleep(3)  # the start's own work is over
    before = server.cpu_seconds()
    await asyncio.sleep(seconds)
    quiet = (server.cpu_seconds() - before) / seconds

    camera = Camera(await Client.connect(server.port, "/ws/verification/", operator), frames)
    await camera.start()
    await camera.at_a_pace(time.perf_counter() + 2, interval=1 / LIVE_RATE, delay=0)
    camera.phase = Phase()
    before, start = server.cpu_seconds(), time.perf_counter()
    await camera.at_a_pace(start + seconds, interval=1 / LIVE_RATE, delay=0)
    took = time.perf_counter() - start
    size = sum(map(len, frames)) / len(frames) + 12
    live = Cost(1000 * ((server.cpu_seconds() - before) / took - quiet), camera.phase.sent * size / took)
    await camera.stop()

    clients = [await open_kiosk(server, cookie) for cookie in devices]
    await asyncio.sleep(3)
    before, start = server.cpu_seconds(), time.perf_counter()
    lasts = max(seconds, HERE_S)
    sent = sum(
        await asyncio.gather(*(stay(client, number, len(clients), lasts) for number, client in enumerate(clients)))
    )
    took = time.perf_counter() - start
    cpu = (server.cpu_seconds() - before) / took - quiet
    awake = min(1.0, moved * AWAKE_S * LOOKS_A_SECOND)  # of the time: it then costs what a live page does
    kiosk = Cost(
        1000 * max(0.0, cpu) / len(clients) + awake * live.cpu_ms,
        sent / took / len(clients) + awake * live.received_bytes,
    )
    for client in clients:
        await client.close()
    return live, kiosk


async def open_kiosk(server: Server, cookie: str) -> Client:
    client = await Client.connect(server.port, "/ws/kiosk/", cookie)
    hello = json.loads(await client.receive())
    if hello["type"] != "hello":
        raise ConnectionError(f"The server answered {hello} instead of hello.")
    await client.send(json.dumps({"type": "configure", "camera": {"id": "a", "label": "Front"}}).encode(), TEXT)
    return client


async def stay(client: Client, number: int, of: int, seconds: float) -> int:
    """Say every HERE_S that it is there, each kiosk at another moment. Returns the bytes sent, headers included."""
    message, sent = json.dumps({"type": "here"}).encode(), 0
    end = time.perf_counter() + seconds
    due = time.perf_counter() + HERE_S * number / of
    while due < end:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        await client.send(message, TEXT)
        sent += len(message) + 6
        due += HERE_S
    await asyncio.sleep(max(0.0, end - time.perf_counter()))
    return sent


def report(live: Cost, kiosk: Cost, *, kiosks: int, looks: int, moved: int, peak_mb: float) -> dict[str, Any]:
    cpu, size = kiosk.cpu_ms / max(live.cpu_ms, 1e-9), kiosk.received_bytes / max(live.received_bytes, 1e-9)
    return {
        "benchmark": "live --idle",
        "kiosks": kiosks,
        "cores": os.cpu_count(),
        "gate_looks": looks,
        "gate_movements": moved,
        "live_page_bytes_per_second": round(live.received_bytes),
        "kiosk_bytes_per_second": round(kiosk.received_bytes, 2),
        "bytes_ratio": round(size, 7),
        "live_page_cpu_ms_per_second": round(live.cpu_ms, 1),
        "kiosk_cpu_ms_per_second": round(kiosk.cpu_ms, 3),
        "cpu_ratio": round(cpu, 5),
        "all_kiosks_cpu_percent_of_a_core": round(kiosk.cpu_ms * kiosks / 10, 2),
        "goal": GOAL,
        "goal_met": cpu < GOAL and size < GOAL,
        "peak_memory_mb": round(peak_mb, 1),
    }


def main(arguments: list[str]) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "facesite.settings")
    import django

    django.setup()
    from attendance.kiosks.cookies import cookie_name
    from attendance.kiosks.services import create_kiosk, pair_kiosk

    cookies = []
    for number in range(int(arguments[0])):
        _, code = create_kiosk(actor=None, name=f"Door {number}", place="", mode="check", sound=False)
        _, token = pair_kiosk(code=code, address="127.0.0.1")
        cookies.append(f"{cookie_name()}={token}")
    print(json.dumps(cookies))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
