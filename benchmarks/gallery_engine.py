"""The gallery in a Milvus, next to the one in this process: `manage.py benchmark gallery --engine milvus`.

A scratch database (SQLite) is filled with made-up people, and the engine is brought level with it. Then numpy, the
gallery in this process, the engine alone and the gallery over the engine search the same probes in turns. This process
has one thread; the engine has the cores that it takes, and its processor time is counted too. The server is the one of
benchmarks/milvus_server.py, on loopback, unless GALLERY_URL names another.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.made_faces import DIMENSION, make_faces
from benchmarks.milvus_server import MilvusServer, is_there
from benchmarks.turns import LIMIT, numpy_ways, time_in_turns
from recognizer.search.galleries import Gallery
from recognizer.types import Vector

ROOT = Path(__file__).resolve().parent.parent
CONTRACT = "benchmark"
SEAL_UP_TO = 20_000
"""Larger ones stay in plain: encrypting them would take longer than all that is measured."""
PATIENCE_S = 60.0
"""For a search, in the place of the product's three seconds: a busy machine is to be measured, not to be given up."""
ENROLMENTS = 5
AT_ONCE, LOAD_S = 4, 5.0


def compare(sizes: list[int], probes: int) -> dict[str, Any]:
    """By size. Raises OSError when there is no server or the measuring fails."""
    url = os.environ.get("GALLERY_URL", "")
    if not url and not is_there():
        raise OSError("Set GALLERY_URL, or run `python3 -m benchmarks.milvus_server` for a server to measure with.")
    return {str(size): _measured(size, probes, url) for size in sizes}


def _measured(size: int, probes: int, url: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="facesite-engine-") as folder:
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "facesite.settings",
            "SECRET_KEY": "only-for-the-benchmark",
            "DATABASE_URL": f"sqlite:///{folder}/scratch.sqlite3",
            "FACESITE_DATA_KEY": "b25seS1mb3ItdGhlLWJlbmNobWFyay1vZi1hLWtleSE=",
            "REDIS_URL": "",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "BENCHMARK_ENGINE": url,
        }
        command = [sys.executable, "-m", "benchmarks.gallery_engine", "measure", str(size), str(probes), folder]
        done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603
        if done.returncode:
            raise OSError("The measuring process ended early: what it said stands above.")
        result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return result


def measure(size: int, probes: int, folder: Path, server: MilvusServer | None) -> dict[str, Any]:
    """The report of one size, in a process whose settings name the scratch database and the engine."""
    from django.db import transaction

    from benchmarks.at_rest import fill, seal
    from enrollment.milvus import client, delivering, loading
    from enrollment.models import Person
    from enrollment.runtime.gallery import refresh_in_process
    from enrollment.sealed import new_person_keys
    from enrollment.services import bump_gallery_revision
    from recognizer.search.distant import DistantGallery

    client.SEARCH_S = PATIENCE_S
    fill(size)
    if size <= SEAL_UP_TO:
        seal()
    else:
        new_person_keys(list(Person.objects.all()))  # as everybody has one who was enrolled
    with transaction.atomic():
        bump_gallery_revision([])
    before_mb = server.memory_mb if server else 0.0
    delivering.copy_for(CONTRACT, DIMENSION)
    started = time.perf_counter()
    delivering.deliver()
    told_s = time.perf_counter() - started
    report: dict[str, Any] = {"told_s": round(told_s, 1), "rows_per_s": round(size / told_s)}
    beside, report["load_s"], report["memory_mb"] = _loaded(lambda: loading.refresh(None, CONTRACT, DIMENSION).snapshot)
    here, report["in_process_load_s"], report["in_process_memory_mb"] = _loaded(
        lambda: refresh_in_process(None, CONTRACT, DIMENSION).snapshot
    )
    assert isinstance(beside, DistantGallery)  # noqa: S101
    matrix, questions = make_faces(size, probes)
    table = beside.index
    ways: dict[str, Callable[[Vector], Any]] = {
        "numpy": numpy_ways(matrix)["matmul"],
        "in_process": lambda probe: here.search(probe, LIMIT),
        "engine_alone": lambda probe: table.propose(probe, 64),
        "engine": lambda probe: beside.search(probe, LIMIT),
    }
    report["searches"] = {
        name: {"median_ms": round(float(np.median(laps)), 2), "p95_ms": round(float(np.percentile(laps, 95)), 2)}
        for name, laps in time_in_turns(ways, questions).items()
    }
    same = [beside.search(probe, LIMIT) == here.search(probe, LIMIT) for probe in questions]
    report["same_answers"] = round(sum(same) / len(same), 4)
    report |= _throughput(beside, questions, server)
    if server:
        report["engine_memory_mb"] = round(server.memory_mb)
        report["engine_bytes_per_template"] = round((server.memory_mb - before_mb) * 1024**2 / size)
    return report | _enrolments(folder)


def _loaded(load: Callable[[], Gallery]) -> tuple[Gallery, float, float]:
    """The gallery, the seconds to load it, and by how many MB this process grew."""
    before, started = _resident_mb(), time.perf_counter()
    gallery = load()
    return gallery, round(time.perf_counter() - started, 2), round(_resident_mb() - before, 1)


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1024**2


def _throughput(gallery: Gallery, questions: Vector, server: MilvusServer | None) -> dict[str, float]:
    """Searches of AT_ONCE threads for LOAD_S, and what a second of one core is good for."""
    ours, theirs = time.process_time(), server.cpu_s if server else 0.0
    until = time.monotonic() + LOAD_S

    def search(number: int) -> int:
        done = 0
        while time.monotonic() < until:
            gallery.search(questions[(number + done) % len(questions)], LIMIT)
            done += 1
        return done

    with ThreadPoolExecutor(AT_ONCE) as pool:
        done = sum(pool.map(search, range(AT_ONCE)))
    found = {
        "searches_per_s": round(done / LOAD_S, 1),
        "our_cpu_ms": round((time.process_time() - ours) / done * 1e3, 2),
    }
    if server:
        found["engine_cpu_ms"] = round((server.cpu_s - theirs) / done * 1e3, 2)
    return found


def _enrolments(folder: Path) -> dict[str, float]:
    """From the end of an enrolment's transaction until another process finds the person, without Redis."""
    from enrollment.consent.records import NO_CONSENT
    from enrollment.milvus import delivering
    from enrollment.samples.drafts import SampleDraft
    from enrollment.services import enroll_person
    from recognizer.types import Pose, Quality

    quality = Quality(0.7, (), Pose(0.0, 0.0, 0.0), 120.0, 50.0, 120.0, 50.0, 300.0)
    vectors = newcomers()
    watching = [sys.executable, "-m", "benchmarks.gallery_engine", "watch"]
    other = subprocess.Popen(watching, cwd=ROOT, stdout=subprocess.PIPE, text=True)  # noqa: S603
    assert other.stdout is not None  # noqa: S101
    other.stdout.readline()  # it has loaded its gallery
    waits, shown = [], []
    for number, vector in enumerate(vectors):
        aligned = np.random.default_rng(number).integers(0, 256, (112, 112, 3), dtype=np.uint8)
        draft = SampleDraft(
            aligned=aligned, embedding=vector, contract_id=CONTRACT, quality=quality, source="webcam", pose="front"
        )
        enroll_person(
            actor=None,
            name=f"New {number}",
            external_id=None,
            consent=NO_CONSENT,
            samples=[draft],
            despite_duplicate=True,
        )
        committed = time.time()
        waits.append(float(other.stdout.readline()) - committed)
        delivering.deliver()
        shown.append(_until_shown(vector, committed))
    other.wait(timeout=60)
    return {
        "found_elsewhere_median_s": round(float(np.median(waits)), 2),
        "found_elsewhere_most_s": round(max(waits), 2),
        "shown_by_engine_median_s": round(float(np.median(shown)), 2),
    }


def newcomers() -> Vector:
    """(ENROLMENTS, d): of nobody else."""
    vectors = np.random.default_rng(99).standard_normal((ENROLMENTS, DIMENSION), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def _until_shown(vector: Vector, since: float) -> float:
    """Seconds until the engine itself proposes that vector to a bounded search."""
    from enrollment.milvus.delivering import copies
    from enrollment.milvus.shared import shared_client, table_of

    [copy] = copies()
    assert copy.epoch is not None  # noqa: S101
    table = table_of(shared_client(), copy.contract_id, copy.epoch)
    while not (found := table.propose(vector, 1)) or found[0].score < 0.99:
        time.sleep(0.02)
    return time.time() - since


def watch() -> None:
    """The other process: says when it finds each newcomer."""
    from enrollment.runtime.gallery import gallery_for

    gallery_for(CONTRACT, DIMENSION).search(newcomers()[0], 1)
    print("ready", flush=True)  # noqa: T201
    for vector in newcomers():
        while not (best := gallery_for(CONTRACT, DIMENSION).search(vector, 1)) or best[0].comparison_score < 0.99:
            time.sleep(0.02)
        print(time.time(), flush=True)  # noqa: T201


def main(task: str, *arguments: str) -> None:
    import django

    if task == "watch":
        django.setup()
        watch()
        return
    size, probes, folder = int(arguments[0]), int(arguments[1]), Path(arguments[2])
    url = os.environ["BENCHMARK_ENGINE"]
    (folder / "milvus").mkdir()
    server = None if url else MilvusServer(folder / "milvus")
    try:
        os.environ["GALLERY_URL"] = url or (server.url("benchmark") if server else "")
        django.setup()
        print(json.dumps(measure(size, probes, folder, server)))  # noqa: T201
    finally:
        if server:
            server.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
