"""What `identify` by the API costs and how it behaves under load: `manage.py benchmark api`.

Programs send pictures as raw bodies to a real Daphne, on a site that is made for this, in three phases:
- unloaded: one program, one picture after the other; the server's CPU time per answer, and the latency without load;
- crowd: 32 programs at once, each as fast as it is answered; this gives the capacity, and nothing may fail;
- overload: pictures at twice that rate, whether they are answered or not: who cannot be served must hear 429 at once,
  and whoever is served must not have waited.
The pipeline's own cost is the CPU time of the same decision in this process, on the same pictures and a gallery of the
same size, at the same pace: with the pause that the server's thread has between two pictures of the unloaded program.
(In a row, with everything still in the processor's caches, the same decision is cheaper; that is printed too.) It is
measured between slices of the unloaded phase, since a shared machine is quick now and slow then: the ratio is the
median over the slices. Beside it stands what the library face_recognition needs for these pictures.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.peer import measure_peer
from benchmarks.sample import DEFAULT_FACES, build_gallery, read_pictures
from benchmarks.site import ROOT, Server, prepare_site, running_server, site_environment
from enrollment.runtime.engine import start_engine
from enrollment.runtime.pack_choice import chosen_pack_name
from enrollment.runtime.policy import default_policy
from recognizer.engine import FaceEngine
from recognizer.search.gallery import GallerySnapshot
from recognizer.types import DecisionPolicy
from verification.photos import identify_image

CROWD = 32
CPU_GOAL = 1.25
LATENCY_GOAL = 3.0
"""Most that is acceptable (issue 12). CPU_GOAL: the server's CPU time per answer over the pipeline's own. LATENCY_GOAL:
p95 of the answers in overload over p95 without load."""
SLICES = 6
"""Of the unloaded phase."""
OVERLOADED = 1.8
KEY_GOAL_MS = 0.2
"""Of a check in a row of requests. One in two seconds also reads the key, which is a query by an index."""


@dataclass(slots=True)
class Phase:
    """What all programs saw together."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    """0: no answer at all."""
    latencies_ms: list[float] = field(default_factory=list)
    """Of answers with 200."""

    @property
    def answered(self) -> int:
        return self.statuses[200]

    @property
    def errors(self) -> int:
        """Neither an answer nor a refusal that says when to come again."""
        return self.statuses.total() - self.answered - self.statuses[429]

    @property
    def cpu_ms(self) -> float:
        """Per answer."""
        return 1000 * self.cpu_seconds / max(1, self.answered)

    def add(self, other: Phase) -> None:
        self.seconds += other.seconds
        self.cpu_seconds += other.cpu_seconds
        self.statuses += other.statuses
        self.latencies_ms += other.latencies_ms

    def percentile(self, percent: float) -> float:
        return float(np.percentile(self.latencies_ms, percent)) if self.latencies_ms else 0.0

    def summary(self) -> dict[str, Any]:
        return {
            "sent_per_second": round(self.statuses.total() / self.seconds, 1),
            "answers_per_second": round(self.answered / self.seconds, 1),
            "refused": self.statuses[429],
            "errors": self.errors,
            "p50_ms": round(self.percentile(50), 1),
            "p95_ms": round(self.percentile(95), 1),
            "cpu_ms_per_answer": round(self.cpu_ms, 2),
        }


class Cost(NamedTuple):
    """CPU milliseconds of one slice."""

    server_ms: float
    """Per answer."""
    own_ms: float
    """Of the pipeline alone at the same pace, per picture, before and after the slice."""
    in_a_row_ms: float
    """The same without a pause."""


class Program:
    """One connection that is kept open."""

    def __init__(self, port: int, secret: str) -> None:
        self._port, self._secret = port, secret
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def identify(self, picture: bytes) -> int:
        """The status; 0: no answer."""
        try:
            if self._streams is None:
                self._streams = await asyncio.open_connection("127.0.0.1", self._port)
            reader, writer = self._streams
            writer.write(
                b"POST /api/v1/identify HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/jpeg\r\n"
                + f"Authorization: Bearer {self._secret}\r\nContent-Length: {len(picture)}\r\n\r\n".encode()
                + picture
            )
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin1").lower()
            length = int(head.partition("content-length:")[2].split("\r\n")[0])
            await reader.readexactly(length)
            return int(head.split()[1])
        except (OSError, asyncio.IncompleteReadError, ValueError):
            await self.close()
            return 0

    async def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--faces", type=Path, default=DEFAULT_FACES, help="folder with pictures (default: %(default)s)")
    parser.add_argument("--pictures", type=int, default=20, help="different ones (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=6.0, help="for each of three phases (default: %(default)s)")
    parser.add_argument("--people", type=int, default=100, help="enrolled, with five samples (default: %(default)s)")
    parser.add_argument(
        "--no-peer",
        action="store_true",
        help="without the library face_recognition, which is installed below .cache at its first use (100 MB)",
    )


def run(
    *, faces: Path, pictures: int, seconds: float, people: int, no_peer: bool = False, **options: Any
) -> dict[str, Any]:
    """Rate, latency, refusals and server CPU of each phase, and the ratios that the goals are about.

    Raises PackError, ValueError (no pictures, senseless numbers), OSError (the server does not start or answer).
    """
    if pictures < 1 or seconds <= 0 or people < 1:
        raise ValueError("Measure with at least one picture and one person, for more than no time.")
    bodies = read_pictures(faces, pictures)
    engine = start_engine(chosen_pack_name())
    try:
        phases, costs, key_ms = measure_site(engine, bodies, seconds=seconds, people=people)
        return report(phases, costs, pack=engine.pack.name, people=people) | {
            "face_recognition": None if no_peer else measure_peer(bodies, 5 * people),
            "key_check_ms": key_ms,
            "key_check_goal_ms": KEY_GOAL_MS,
            "key_check_goal_met": key_ms["remembered"] <= KEY_GOAL_MS,
        }
    finally:
        engine.close()


@dataclass(frozen=True, slots=True)
class OwnWork:
    """What a decision costs without a server around it."""

    engine: FaceEngine
    bodies: list[bytes]
    gallery: GallerySnapshot
    policy: DecisionPolicy

    def cost_ms(self, pause_s: float = 0.0) -> float:
        """CPU milliseconds of one decision, the pictures' mean. pause_s: before each picture."""
        spent = 0.0
        for body in self.bodies:
            time.sleep(pause_s)
            start = time.thread_time()
            identify_image(body, engine=self.engine, gallery=self.gallery, policy=self.policy)
            spent += time.thread_time() - start
        return 1000 * spent / len(self.bodies)


def measure_site(
    engine: FaceEngine, bodies: list[bytes], *, seconds: float, people: int
) -> tuple[dict[str, Phase], list[Cost], dict[str, float]]:
    """The phases by name, what the slices of the first cost, and what checking a key takes."""
    gallery = build_gallery(5 * people, engine.dimension, engine.contract_id)
    own = OwnWork(engine, bodies, gallery, default_policy(engine))
    with tempfile.TemporaryDirectory(prefix="facesite-benchmark-") as work:
        environment = site_environment(Path(work), models_dir=engine.config.models_dir, pack=engine.pack.name)
        prepare_site(environment, operators=0, people=people, pictures=[])
        secret = make_key(environment)
        key_ms = json.loads(run_here(environment, "-m", "benchmarks.key_check", secret))
        with running_server(environment) as server:
            phases, costs = asyncio.run(run_phases(server, secret, bodies, seconds, own))
            return phases, costs, key_ms


def make_key(environment: dict[str, str]) -> str:
    options = ("--scope", "identify", "--requests-per-minute", "60000", "--json")
    made = json.loads(run_here(environment, "manage.py", "api_keys", "create", "benchmark", *options))
    return str(made["secret"])


def run_here(environment: dict[str, str], *arguments: str) -> str:
    """What Python prints, on the benchmark's database."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


async def run_phases(
    server: Server, secret: str, bodies: list[bytes], seconds: float, own: OwnWork
) -> tuple[dict[str, Phase], list[Cost]]:
    programs = [Program(server.port, secret) for _ in range(CROWD)]

    async def one_after_the_other(program: Program, phase: Phase, until: float, first: int) -> None:
        number = first
        while time.perf_counter() < until:
            status = await ask(program, bodies[number % len(bodies)], phase)
            number += 1
            if status == 429:
                await asyncio.sleep(0.1)  # what a hasty client does instead of waiting for the second that it is told

    async def paced(phase: Phase, until: float, rate: float) -> None:
        idle, running, number = [*programs], set(), 0
        start = time.perf_counter()
        while (now := time.perf_counter()) < until:
            program = idle.pop() if idle else Program(server.port, secret)

            async def once(program: Program = program, number: int = number) -> None:
                await ask(program, bodies[number % len(bodies)], phase)
                idle.append(program)

            task = asyncio.create_task(once())
            running.add(task)
            task.add_done_callback(running.discard)
            number += 1
            await asyncio.sleep(max(0.0, start + number / rate - now))
        await asyncio.gather(*running)
        programs[:] = idle

    async def alone(phase: Phase, until: float) -> None:
        await one_after_the_other(programs[0], phase, until, 0)

    async def crowd(phase: Phase, until: float) -> None:
        await asyncio.gather(*(one_after_the_other(each, phase, until, n) for n, each in enumerate(programs)))

    await measure(server, crowd, min(2.0, seconds))  # until everything was done once
    own.cost_ms()
    first, in_a_row = await measure(server, alone, seconds / SLICES), own.cost_ms()
    pause_s = max(0.0, first.seconds / max(1, first.answered) - in_a_row / 1000)
    unloaded, costs, before = Phase(), [], own.cost_ms(pause_s)
    for _ in range(SLICES):
        slice_ = await measure(server, alone, seconds / SLICES)
        after = own.cost_ms(pause_s)  # nothing else is to happen on this loop meanwhile
        costs.append(Cost(slice_.cpu_ms, (before + after) / 2, own.cost_ms()))
        unloaded.add(slice_)
        before = after
    phases = {"unloaded": unloaded, "crowd": await measure(server, crowd, seconds)}
    rate = 2 * phases["crowd"].answered / phases["crowd"].seconds
    phases["overload"] = await measure(server, lambda phase, until: paced(phase, until, max(rate, 1.0)), seconds)
    for program in programs:
        await program.close()
    return phases, costs


async def ask(program: Program, body: bytes, phase: Phase) -> int:
    start = time.perf_counter()
    status = await program.identify(body)
    phase.statuses[status] += 1
    if status == 200:
        phase.latencies_ms.append((time.perf_counter() - start) * 1000)
    return status


async def measure(server: Server, load: Callable[[Phase, float], Awaitable[None]], seconds: float) -> Phase:
    phase = Phase()
    cpu, start = server.cpu_seconds(), time.perf_counter()
    await load(phase, start + seconds)
    phase.seconds, phase.cpu_seconds = time.perf_counter() - start, server.cpu_seconds() - cpu
    return phase


def report(phases: dict[str, Phase], costs: list[Cost], *, pack: str, people: int) -> dict[str, Any]:
    """The result that is printed. overload_goal_met is None, not measured, when the server was not overloaded."""
    unloaded, crowd, overload = phases["unloaded"], phases["crowd"], phases["overload"]
    ratios = [cost.server_ms / cost.own_ms for cost in costs]
    ratio = float(np.median(ratios))
    latency_ratio = overload.percentile(95) / max(unloaded.percentile(95), 1e-9)
    factor = overload.statuses.total() / overload.seconds / max(crowd.answered / crowd.seconds, 1e-9)
    overloaded = factor >= OVERLOADED
    return {
        "benchmark": "api",
        "pack": pack,
        "people": people,
        "programs": CROWD,
        "cores": os.cpu_count(),
        "cpu_ms_per_answer": round(float(np.median([cost.server_ms for cost in costs])), 2),
        "own_ms_per_answer": round(float(np.median([cost.own_ms for cost in costs])), 2),
        "own_ms_in_a_row": round(float(np.median([cost.in_a_row_ms for cost in costs])), 2),
        "cpu_ratio_in_a_row": round(float(np.median([cost.server_ms / cost.in_a_row_ms for cost in costs])), 2),
        "cpu_ratio": round(ratio, 2),
        "cpu_ratios": [round(each, 2) for each in sorted(ratios)],
        "cpu_goal": CPU_GOAL,
        "cpu_goal_met": ratio <= CPU_GOAL,
        "errors": sum(phase.errors for phase in phases.values()),
        "overload_factor": round(factor, 2),
        "overload_p95_ratio": round(latency_ratio, 2),
        "overload_goal": LATENCY_GOAL,
        "overload_goal_met": latency_ratio < LATENCY_GOAL if overloaded else None,
        "phases": {name: phase.summary() for name, phase in phases.items()},
    }
