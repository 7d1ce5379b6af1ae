"""What encryption at rest costs a gallery: start-up, memory and search with stored templates in plain and encrypted.

Two SQLite databases hold the same templates, one as versions before encryption wrote them. Processes are started on
them in turns: each starts the engine, loads the gallery as the product does, and searches. So other work on the machine
slows both, and the ratio of the medians says what encryption costs.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.made_faces import DIMENSION, PER_PERSON, make_faces
from recognizer.types import Vector

ROOT = Path(__file__).resolve().parent.parent
CONTRACT = "benchmark"
ROUNDS = 5
PROBES = 40
LIMIT = 5
GOAL = 1.1
"""Encrypted, nothing may cost more than this, as a ratio."""
GOALS = ("start_s", "memory_mb", "search_ms")
MEASURES = ("start_s", "start_cpu_s", "load_s", "load_cpu_s", "memory_mb", "search_ms")


def compare(size: int) -> dict[str, Any]:
    """Medians in plain and encrypted, their ratios, and what encrypting the database took."""
    with TemporaryDirectory(prefix="facesite-at-rest-") as folder:
        plain, sealed = Path(folder) / "plain.sqlite3", Path(folder) / "encrypted.sqlite3"
        _in_process("fill", plain, size)
        shutil.copy(plain, sealed)
        seconds = _in_process("seal", sealed, size)["seal_s"]
        runs: dict[str, list[dict[str, float]]] = {"plain": [], "encrypted": []}
        for number in range(ROUNDS + 1):
            for name, database in (("plain", plain), ("encrypted", sealed)):
                laps = _in_process("load", database, size)
                if number:  # the first round reads the files into the system's memory
                    runs[name].append(laps)
        added = sealed.stat().st_size - plain.stat().st_size
    rows = {name: {measure: _median(laps, measure) for measure in MEASURES} for name, laps in runs.items()}
    ratios = {measure: round(rows["encrypted"][measure] / rows["plain"][measure], 3) for measure in MEASURES}
    return {
        "templates": size,
        "goal": f"{', '.join(GOALS)} at most {GOAL:g} times those in plain",
        "goal_met": all(ratios[measure] <= GOAL for measure in GOALS),
        "encrypting_s": round(seconds, 1),
        "added_bytes_per_template": round(added / size),
        "costs": rows | {"ratio": ratios},
    }


def _in_process(task: str, database: Path, size: int) -> dict[str, float]:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "facesite.settings",
        "SECRET_KEY": "only-for-the-benchmark",
        "DATABASE_URL": f"sqlite:///{database}",
        "FACESITE_DATA_KEY": "b25seS1mb3ItdGhlLWJlbmNobWFyay1vZi1hLWtleSE=",
        "REDIS_URL": "",
    }
    command = [sys.executable, "-m", "benchmarks.at_rest", task, str(size), str(time.time())]
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise OSError("The measuring process ended early: what it said stands above.")
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def fill(size: int) -> dict[str, float]:
    """Templates in plain, four of each person; the crops are empty, for loading a gallery reads none."""
    from django.core.management import call_command
    from django.db import transaction

    from enrollment.models import FaceSample, FaceTemplate, Person
    from recognizer.vectors import vector_to_bytes

    call_command("migrate", verbosity=0)
    matrix, _ = make_faces(size, 2)
    with transaction.atomic():
        people = [Person(pk=n + 1, name=f"Person {n}") for n in range(-(-size // PER_PERSON))]
        Person.objects.bulk_create(people, batch_size=1000)
        FaceSample.objects.bulk_create(
            (
                FaceSample(pk=n + 1, person_id=n // PER_PERSON + 1, source="webcam", quality_score=0.7, digest=str(n))
                for n in range(size)
            ),
            batch_size=1000,
        )
        FaceTemplate.objects.bulk_create(
            (
                FaceTemplate(
                    sample_id=n + 1, contract_id=CONTRACT, dimension=matrix.shape[1], embedding=vector_to_bytes(vector)
                )
                for n, vector in enumerate(matrix)
            ),
            batch_size=1000,
        )
    return {}


def seal() -> dict[str, float]:
    from facesite.upkeep import COLUMNS
    from security.encryption.older import seal_older

    started = time.perf_counter()
    for _ in seal_older(COLUMNS):
        pass
    return {"seal_s": time.perf_counter() - started}


def load(size: int, began: float) -> dict[str, float]:
    """As a process that serves: the engine, then the gallery. began: time.time() when the process was ordered."""
    from enrollment.runtime.engine import get_engine, reset_engine
    from enrollment.runtime.gallery import gallery_for

    get_engine()
    loading, working = time.perf_counter(), time.process_time()
    gallery = gallery_for(CONTRACT, DIMENSION)
    load_s, load_cpu_s = time.perf_counter() - loading, time.process_time() - working
    start_s, start_cpu_s = time.time() - began, time.process_time()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    assert gallery.templates == size  # noqa: S101
    probes: Vector = make_faces(1_000, PROBES)[1]
    laps = []
    for probe in (probes[0], *probes):
        started = time.perf_counter()
        gallery.search(probe, LIMIT)
        laps.append((time.perf_counter() - started) * 1000)
    reset_engine()
    search = float(np.median(laps[1:]))
    return {
        "start_s": start_s,
        "start_cpu_s": start_cpu_s,
        "load_s": load_s,
        "load_cpu_s": load_cpu_s,
        "memory_mb": memory,
        "search_ms": search,
    }


def _median(laps: list[dict[str, float]], measure: str) -> float:
    return round(float(np.median([lap[measure] for lap in laps])), 3)


def main(task: str, size: int, began: float) -> dict[str, float]:
    if task == "fill":
        return fill(size)
    return seal() if task == "seal" else load(size, began)


if __name__ == "__main__":
    import django

    django.setup()
    json.dump(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])), sys.stdout)
