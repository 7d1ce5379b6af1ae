"""What a large history costs: `manage.py benchmark records`.

A site is made for this. First its server goes on with the live page while retention erases the pictures of many old
attempts, in batches as long as a run makes them. Then somebody downloads a longer history as CSV.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import raw
from benchmarks.sample import DEFAULT_FACES, read_pictures
from benchmarks.site import ROOT, Server, prepare_site, running_server, site_environment
from benchmarks.watch import Waits, watching
from enrollment.runtime.engine import start_engine
from enrollment.runtime.pack_choice import chosen_pack_name

PICTURE_BYTES = 3000
"""What a small picture of an attempt takes."""


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--faces", type=Path, default=DEFAULT_FACES, help="folder with pictures (default: %(default)s)")
    parser.add_argument("--pictures", type=int, default=100_000, help="that retention erases (default: %(default)s)")
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the history to export (default: %(default)s)")


def run(*, faces: Path, pictures: int, rows: int, **options: Any) -> dict[str, Any]:
    """Batches of retention and one export. Raises PackError, ValueError (no pictures), OSError (no answer)."""
    if not 0 < pictures <= rows:
        raise ValueError("Measure with at least one picture, and with at least as many rows as pictures.")
    face = read_pictures(faces, 1)[0]
    engine = start_engine(chosen_pack_name())
    models_dir, pack = engine.config.models_dir, engine.pack.name
    engine.close()
    with tempfile.TemporaryDirectory(prefix="facesite-records-") as name:
        picture = Path(name) / "face.jpg"
        picture.write_bytes(face)
        environment = site_environment(Path(name), models_dir=models_dir, pack=pack)
        (cookie,) = prepare_site(environment, operators=1, people=100, pictures=[picture])
        _in_process(environment, "fill", pictures, PICTURE_BYTES)
        with running_server(environment) as server:
            with watching(server.port, cookie, picture) as calm:
                time.sleep(8)
            with watching(server.port, cookie, picture) as waits:
                batches = _in_process(environment, "erase")["seconds"]
            retention = _of_batches(batches) | _of(waits)
            officer = _in_process(environment, "fill", rows - pictures, 0)["cookie"]
            export = _export(server, officer, cookie, picture)
    return {
        "benchmark": "records",
        "pack": pack,
        "cores": os.cpu_count(),
        "without_either": _of(calm),
        "retention": {"pictures": pictures, **retention},
        "export": export,
    }


def _of_batches(seconds: list[float]) -> dict[str, Any]:
    laps = 1000 * np.array(seconds)
    return {
        "batches": len(seconds),
        "batch_p50_ms": round(float(np.median(laps)), 1),
        "batch_p95_ms": round(float(np.percentile(laps, 95)), 1),
        "batch_longest_ms": round(float(laps.max()), 1),
    }


def _of(waits: Waits) -> dict[str, float]:
    return {f"live_p{percent}_ms": waits.percentile(percent) for percent in (50, 95)}


def _export(server: Server, officer: str, cookie: str, picture: Path) -> dict[str, Any]:
    """The whole history over HTTP, read as fast as it comes. lines: those around each chunk of the answer included."""
    server.forget_peak()
    before, lines, size = server.memory_mb(), 0, 0
    with watching(server.port, cookie, picture) as waits, raw.connect(server.port) as client:
        began = time.perf_counter()
        head = [f"Cookie: {officer}", "Connection: close"]
        client.sendall(raw.head("GET", "/verification/attempts/export.csv", *head, host=f"127.0.0.1:{server.port}"))
        while piece := client.recv(1 << 20):
            lines, size = lines + piece.count(b"\n"), size + len(piece)
        seconds = time.perf_counter() - began
    return {
        "lines": lines,
        "megabytes": round(size / raw.MEGABYTE, 1),
        "seconds": round(seconds, 1),
        "server_memory_mb": round(max(0.0, server.memory_mb("VmHWM") - before), 1),
        **_of(waits),
    }


def _in_process(environment: dict[str, str], task: str, *numbers: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.history", task, *map(str, numbers)]
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise OSError("The measuring process ended early: what it said stands above.")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer
