"""What attackers can do to a running server: `manage.py benchmark attacks`.

A site is made for this, with a database of its own, and everything happens on the loopback address. While each attack
lasts, a camera in another process goes on with the live page: `live_longest_ms` is what its frames waited at worst,
which is also how long the event loop stood still at most. Short attacks are carried out three times, and the calmest
time counts: other work on the machine adds to it, the attack is there every time. `memory_mb` is what the server's
process took beside what it had, at its highest. The database that stops answering is a private MariaDB; where none is
installed, that is left out.
"""

from __future__ import annotations

import asyncio
import os
import resource
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import attackers, hostile
from benchmarks.outage import NAME as OUTAGE
from benchmarks.outage import stop_the_database
from benchmarks.sample import DEFAULT_FACES, make_stream, read_pictures
from benchmarks.site import Server, prepare_site, running_server, site_environment
from benchmarks.watch import Waits, watching
from enrollment.runtime.engine import start_engine
from enrollment.runtime.pack_choice import chosen_pack_name

MEMORY_GOAL_MB = 100.0
STALL_GOAL_MS = 100.0
"""What no attack may exceed. STALL_GOAL_MS: beyond what frames wait without any attack; the slowest one in a short
attack, 19 of 20 in a long one."""
ROUNDS = 3
OPERATORS = 6
"""Cookies: one watches, one attacks, four enrol while the database is away."""
PEOPLE = 200
DESCRIPTORS = 256
CROWD = f"400 idle connections, {DESCRIPTORS} descriptors"


@dataclass(frozen=True, slots=True)
class Attack:
    name: str
    carry_out: Callable[[], str]
    """What the attackers were told."""
    goal: str
    is_met: Callable[[str], bool]
    """Whether that is what they should be told."""
    is_short: bool = True


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--faces", type=Path, default=DEFAULT_FACES, help="folder with pictures (default: %(default)s)")
    parser.add_argument("--only", default="", help="attacks with these words in their names (default: all)")
    parser.add_argument("--megabytes", type=int, default=1000, help="of the larger bodies (default: %(default)s)")


def run(*, faces: Path, megabytes: int, only: str, **options: Any) -> dict[str, Any]:
    """One row for each attack. Raises PackError, ValueError (no pictures), OSError (the server does not answer)."""
    pictures = read_pictures(faces, OPERATORS)
    engine = start_engine(chosen_pack_name())
    models_dir, pack = engine.config.models_dir, engine.pack.name
    engine.close()
    with tempfile.TemporaryDirectory(prefix="facesite-attacks-") as name:
        work = Path(name)
        files = [work / f"{number}.jpg" for number in range(len(pictures))]
        for file, picture in zip(files, pictures, strict=True):
            file.write_bytes(picture)
        environment = site_environment(work, models_dir=models_dir, pack=pack)
        cookies = prepare_site(environment, operators=OPERATORS, people=PEOPLE, pictures=files)
        log = work / "serve.log"
        with running_server(environment, log=log) as server:
            calm = _calm(server, cookies[0], files[0])
            rows = {
                attack.name: _measure(server, attack, cookies[0], files[0], calm)
                for attack in _attacks(server, cookies[1], pictures, megabytes, log)
                if only in attack.name
            }
        if only in CROWD:
            rows[CROWD] = _crowd(environment)
        if only in OUTAGE:
            rows[OUTAGE] = stop_the_database(environment, work, [make_stream(picture) for picture in pictures[1:5]])
    return {
        "benchmark": "attacks",
        "pack": pack,
        "cores": os.cpu_count(),
        "without_attack": calm,
        "memory_goal_mb": MEMORY_GOAL_MB,
        "stall_goal_ms": STALL_GOAL_MS,
        "attacks": rows,
    }


def _attacks(server: Server, cookie: str, pictures: list[bytes], megabytes: int, log: Path) -> Iterator[Attack]:
    for path in ("/accounts/login/", "/healthz"):
        for size, chunked in ((100, False), (megabytes, False), (megabytes, True)):
            name = f"{size} MB to {path}{' in chunks' if chunked else ''}"
            send = partial(attackers.send_body, server.port, path, megabytes=size, chunked=chunked)
            yield Attack(name, send, "413", lambda told: told.startswith("413"))
    yield Attack(
        "200 clients that send headers slowly",
        partial(attackers.send_headers_slowly, server.port, clients=200),
        "all are closed",
        lambda told: told.startswith("200 of 200"),
        is_short=False,
    )
    yield Attack(
        "a socket whose client does not read",
        partial(_send_without_reading, server.port, cookie, make_stream(pictures[1])[0], log),
        "closed with 4408",
        lambda told: "4408" in told,
        is_short=False,
    )
    yield Attack(
        "32 wrong sign-ins at once, five times",
        lambda: _in_words(attackers.guess_passwords(server.port, clients=32)),
        "most are refused unchecked",
        lambda told: "429" in told,
        is_short=False,
    )
    yield Attack(
        "people/search.json with 3,000 words",
        partial(attackers.search_for, server.port, cookie, words=3000),
        "200",
        lambda told: told == "200",
    )
    for name, picture in (
        ("a JPEG that hides 30000 x 30000", hostile.hidden_frame()),
        ("a PNG with a chunk of 4 GB", hostile.endless_chunk()),
        ("a JPEG of 7,050 scans", hostile.progressive_bomb(1680, 1250, 7050)),
    ):
        check = partial(attackers.check_photo, server.port, cookie, picture)
        yield Attack(name, check, "refused (400)", lambda told: told == "400")


def _calm(server: Server, cookie: str, picture: Path) -> dict[str, float]:
    """What the camera's frames wait for when nothing else happens."""
    with watching(server.port, cookie, picture) as waits:
        time.sleep(8)
    return _of(waits)


def _measure(server: Server, attack: Attack, cookie: str, picture: Path, calm: Mapping[str, float]) -> dict[str, Any]:
    rounds = [_carry_out(server, attack, cookie, picture) for _ in range(ROUNDS if attack.is_short else 1)]
    return judged(attack, rounds, calm)


def _carry_out(server: Server, attack: Attack, cookie: str, picture: Path) -> dict[str, Any]:
    server.forget_peak()
    before = server.memory_mb()
    with watching(server.port, cookie, picture) as waits:
        began = time.perf_counter()
        told = attack.carry_out()
        seconds = time.perf_counter() - began
        time.sleep(max(0.5, 3 - seconds))  # frames enough for a percentile
    added = max(0.0, server.memory_mb("VmHWM") - before)
    return {"told": told, "seconds": round(seconds, 2), "memory_mb": round(added, 1), **_of(waits)}


def judged(attack: Attack, rounds: Sequence[Mapping[str, Any]], calm: Mapping[str, float]) -> dict[str, Any]:
    """The calmest round, with the most memory of all of them, beside the goals."""
    row = min(rounds, key=lambda one: float(one["live_longest_ms"]))
    memory = max(float(one["memory_mb"]) for one in rounds)
    measure = "live_longest_ms" if attack.is_short else "live_p95_ms"
    told = all(attack.is_met(one["told"]) for one in rounds)
    steady = row[measure] - calm[measure] <= STALL_GOAL_MS
    return {
        **row,
        "memory_mb": memory,
        "goal": attack.goal,
        "goal_met": told and memory <= MEMORY_GOAL_MB and steady,
    }


def _crowd(environment: dict[str, str]) -> dict[str, Any]:
    with ExitStack() as stack:
        with few_descriptors():
            server = stack.enter_context(running_server(environment))
        told = attackers.come_after_idle_ones(server.port, idle=400)
    return {"told": told, "goal": "a visitor gets in", "goal_met": told.startswith("200")}


def _of(waits: Waits) -> dict[str, float]:
    return {
        "live_p50_ms": waits.percentile(50),
        "live_p95_ms": waits.percentile(95),
        "live_longest_ms": waits.percentile(100),
    }


def _send_without_reading(port: int, cookie: str, frame: bytes, log: Path) -> str:
    """The client never comes to read its close code, so that is looked up in the server's log."""
    told = asyncio.run(attackers.send_without_reading(port, cookie, frame))
    deadline = time.monotonic() + 10
    while (is_noted := "results_not_read" in log.read_text()) is False and time.monotonic() < deadline:
        time.sleep(0.2)
    return f"4408, {told}" if is_noted else told


def _in_words(answers: Mapping[int, int]) -> str:
    return ", ".join(f"{number} x {status}" for status, number in sorted(answers.items()))


@contextmanager
def few_descriptors() -> Iterator[None]:
    """Processes that are started meanwhile may have DESCRIPTORS files open, as on a careless host."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
