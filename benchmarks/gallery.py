"""What a 1:N search costs beside numpy: `manage.py benchmark gallery`.

The measuring runs in a process of its own, with one thread for both sides and without OPENBLAS_CORETYPE, which could
slow numpy down. Both sides search the same vectors with the same probes in turns, so that other work on the machine
slows both. `numpy_people` answers the gallery's own question: the five best people, each with the id and the score of
their best template, in float32 and without a look at the probe. `numpy_exact` scores those five templates in float64 as
the gallery does. `numpy` has a lighter task, the five best templates, in the obvious code (matrix @ probe,
argpartition); `numpy_best` is the fastest of several ways to write that.

The vectors imitate faces: benchmarks/made_faces.py. What encryption at rest costs: benchmarks/at_rest.py.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import platform
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from benchmarks.made_faces import DIMENSION, PER_PERSON, make_faces
from benchmarks.turns import LIMIT, numpy_ways, time_in_turns
from recognizer.search.blocks import TemplateRow
from recognizer.search.gallery import GallerySnapshot
from recognizer.types import Vector

ROOT = Path(__file__).resolve().parent.parent
SIZES = (100, 300, 1_000, 3_000, 5_000, 7_000, 10_000, 20_000, 100_000)
LARGE = 1_000_000
GOAL_SIZE, GOAL = 100_000, 4.0
"""At GOAL_SIZE templates the search is to be GOAL times as fast as numpy, with recall 1."""


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--large", action="store_true", help=f"also search {LARGE:,} templates (takes 6 GB of memory)")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), help="numbers of templates")
    parser.add_argument("--no-encryption", action="store_true", help="do not measure what encryption at rest costs")
    parser.add_argument("--engine", choices=["milvus"], help="also measure the gallery in an engine beside the process")
    parser.add_argument("--probes", type=int, default=60, help="searches per size (default: %(default)s)")


def run(
    *,
    sizes: list[int],
    large: bool,
    probes: int,
    no_encryption: bool = False,
    engine: str | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Latency, memory and recall by size. Raises ValueError for senseless sizes, OSError when the measuring fails."""
    sizes = [*sizes, LARGE] if large else sizes
    if min(sizes) < LIMIT * PER_PERSON or probes < 2:
        raise ValueError(f"Measure at least {LIMIT * PER_PERSON} templates with at least 2 probes.")
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_CORETYPE"}
    environment |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "benchmarks.gallery", str(probes), *map(str, sizes)]
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise OSError("The measuring process ended early: what it said stands above.")
    result: dict[str, Any] = json.loads(done.stdout)
    if not no_encryption:
        from benchmarks.at_rest import compare

        result["encryption"] = compare(min(GOAL_SIZE, max(sizes)))
    if engine:
        from benchmarks.gallery_engine import compare as compare_engine

        result["engine"] = compare_engine(sizes, probes)
    return result


def measure(sizes: list[int], probes: int) -> dict[str, Any]:
    """The whole report, measured in this process."""
    by_size = {str(size): measure_size(size, probes) for size in sizes}
    result = {"benchmark": "gallery", "dimension": DIMENSION, "top": LIMIT, "threads": 1, **describe_machine()}
    goal = by_size.get(str(GOAL_SIZE))
    if goal:
        result["goal"] = f"{GOAL:g} times numpy's speed at {GOAL_SIZE} templates with recall 1"
        result["goal_met"] = goal["speedup"] >= GOAL and goal["recall"] == 1.0
    return result | {"sizes": by_size}


def measure_size(size: int, probes: int) -> dict[str, Any]:
    """The report of one size: `size` templates searched with `probes` probes."""
    matrix, questions = make_faces(size, probes)
    people = [f"person-{row // PER_PERSON}" for row in range(size)]
    started = time.perf_counter()
    gallery = GallerySnapshot.build(
        (np.arange(size), people, matrix), contract_id="benchmark", dimension=DIMENSION, revision=1
    )
    built = time.perf_counter() - started
    ways = {
        "gallery": lambda probe: gallery.search(probe, LIMIT),
        "people": people_way(matrix, people),
        "exact": people_way(matrix, people, exact=True),
        **(numpy := numpy_ways(matrix)),
    }
    laps = time_in_turns(ways, questions)
    ours, plain, same, exact = (laps[name] for name in ("gallery", "matmul", "people", "exact"))
    best = min(numpy, key=lambda name: float(np.median(laps[name])))
    return {
        "people": gallery.people,
        "median_ms": _median(ours),
        "p5_ms": _p5(ours),
        "p95_ms": round(float(np.percentile(ours, 95)), 3),
        "numpy_median_ms": _median(plain),
        "numpy_p95_ms": round(float(np.percentile(plain, 95)), 3),
        "numpy_best_median_ms": _median(laps[best]),
        "numpy_best": best,
        "numpy_best_p5_ms": _p5(laps[best]),
        "numpy_people_median_ms": _median(same),
        "numpy_people_p5_ms": _p5(same),
        "numpy_exact_median_ms": _median(exact),
        "numpy_exact_p5_ms": _p5(exact),
        "speedup_to_numpy_people": round(float(np.median(same) / np.median(ours)), 2),
        "speedup_to_numpy_exact": round(float(np.median(exact) / np.median(ours)), 2),
        "speedup": round(float(np.median(plain) / np.median(ours)), 2),
        "speedup_to_numpy_best": round(float(np.median(laps[best]) / np.median(ours)), 2),
        "recall": recall(gallery, matrix, questions),
        "memory_mb": round(gallery.nbytes / 1e6, 1),
        "numpy_memory_mb": round(matrix.nbytes / 1e6, 1),
        "build_s": round(built, 2),
        "insert_ms": _median(time_inserts(gallery, questions)),
    }


def people_way(
    matrix: Vector, people: list[str], *, exact: bool = False
) -> Callable[[Vector], list[tuple[str, int, float]]]:
    """numpy's answer to what the gallery is asked, of a matrix (n, d) in which a person's rows stand together.

    exact: with the scores of the answer summed in float64.
    """
    starts = np.arange(0, len(matrix), PER_PERSON)
    ends = np.append(starts[1:], len(matrix))

    def top(probe: Vector) -> list[tuple[str, int, float]]:
        scores = matrix @ probe
        of_people = np.maximum.reduceat(scores, starts)
        best = np.argpartition(of_people, -LIMIT)[-LIMIT:]
        best = best[np.argsort(-of_people[best])]
        rows = [int(starts[person] + scores[starts[person] : ends[person]].argmax()) for person in best]
        if exact:
            scored = (matrix[rows].astype(np.float64) @ probe.astype(np.float64)).astype(np.float32).tolist()
            return [(people[row], row, score) for row, score in zip(rows, scored, strict=True)]
        return [(people[row], row, float(scores[row])) for row in rows]

    return top


def recall(gallery: GallerySnapshot, matrix: Vector, questions: Vector) -> float:
    """Share (0..1) of numpy's LIMIT best people that the gallery finds too. matrix, questions: (n, d), float32."""
    starts = np.arange(0, len(matrix), PER_PERSON)
    found = 0
    for question in questions:
        scores = np.maximum.reduceat(matrix @ question, starts)
        wanted = {f"person-{person}" for person in np.argsort(-scores)[:LIMIT]}
        found += len(wanted & {candidate.person_id for candidate in gallery.search(question, LIMIT)})
    return found / (LIMIT * len(questions))


def time_inserts(gallery: GallerySnapshot, questions: Vector) -> list[float]:
    """Milliseconds to add each row of questions (n, d) as a template, one snapshot after the other."""
    laps = []
    for number, embedding in enumerate(questions):
        started = time.perf_counter()
        row = TemplateRow(10_000_000 + number, f"new-{number}", embedding)
        gallery = gallery.updated(added=[row], revision=gallery.revision + 1)
        laps.append((time.perf_counter() - started) * 1000)
    return laps


def describe_machine() -> dict[str, str]:
    return {
        "processor": _processor(),
        "numpy": f"{np.__version__}, BLAS kernel {blas_kernel()}",
        "faiss": f"{faiss.__version__}, {faiss.get_compile_options().strip()}",
    }


def blas_kernel() -> str:
    """The kernel that numpy's OpenBLAS chose. numpy's wheels carry that library beside the package."""
    for library in (Path(np.__file__).parent.parent / "numpy.libs").glob("*openblas*"):
        try:
            name = ctypes.CDLL(str(library)).scipy_openblas_get_corename64_
        except (OSError, AttributeError):
            continue
        name.restype = ctypes.c_char_p
        return str(name().decode())
    return "unknown"


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _p5(laps: list[float]) -> float:
    return round(float(np.percentile(laps, 5)), 3)


def _median(laps: list[float]) -> float:
    return round(float(np.median(laps)), 3)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("probes", type=int)
    parser.add_argument("sizes", type=int, nargs="+")
    arguments = parser.parse_args()
    json.dump(measure(arguments.sizes, arguments.probes), sys.stdout)
