"""What the pages of a large site cost: `manage.py benchmark site`.

A scratch database is filled with made-up people, templates and attempts; then every list is asked for again and again.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from benchmarks.site import ROOT, site_environment
from enrollment.runtime.engine import start_engine
from enrollment.runtime.pack_choice import chosen_pack_name

GOAL_MS = 500.0
SCRATCH_KEY = base64.b64encode(hashlib.sha256(b"a scratch database of facesite's benchmark").digest()).decode()
"""Of made-up faces only. Always the same, so that a database that was filled once can be measured again."""


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--people", type=int, default=2_000, help="made-up people (default: %(default)s)")
    parser.add_argument("--templates", type=int, default=6_000, help="their templates (default: %(default)s)")
    parser.add_argument("--attempts", type=int, default=20_000, help="in the history (default: %(default)s)")
    parser.add_argument(
        "--rounds", type=int, default=15, help="times that each page is asked for (default: %(default)s)"
    )
    parser.add_argument(
        "--database", default="", metavar="URL", help="an empty database (default: SQLite, for a while)"
    )
    parser.add_argument("--filled", action="store_true", help="that database was filled by an earlier run of this")


def run(
    *, people: int, templates: int, attempts: int, rounds: int, database: str, filled: bool, **options: Any
) -> dict[str, Any]:
    """Pages and exports by name. Raises PackError, ValueError (senseless numbers), OSError (a page failed)."""
    if not 0 < people <= templates or attempts < 1 or rounds < 1:
        raise ValueError("Measure with at least one person, a template for each, one attempt and one round.")
    if filled and not database:
        raise ValueError("--filled needs --database: the other one is gone.")
    engine = start_engine(chosen_pack_name())
    models_dir, pack = engine.config.models_dir, engine.pack.name
    engine.close()
    task = {"people": people, "templates": templates, "attempts": attempts, "rounds": rounds, "fill": not filled}
    with tempfile.TemporaryDirectory(prefix="facesite-pages-") as work:
        environment = site_environment(Path(work), models_dir=models_dir, pack=pack)
        environment |= {"FACESITE_DATA_KEY": SCRATCH_KEY} | ({"DATABASE_URL": database} if database else {})
        found = _in_process(environment, task)
    reached = found["slowest_p95_ms"] < GOAL_MS
    return {
        "benchmark": "site",
        "pack": pack,
        "cores": os.cpu_count(),
        **found,
        "goal_ms": GOAL_MS,
        "goal_reached": reached,
    }


def _in_process(environment: dict[str, str], task: dict[str, Any]) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.large_site", json.dumps(task)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise OSError(f"The pages could not be measured: {done.stderr.strip().splitlines()[-1]}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer
