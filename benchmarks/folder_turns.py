"""Folders of people, enrolled by the command and looked at by the engine alone, in turns: work of `benchmark folder`.

`python -m benchmarks.folder_turns DIR...` in a process of its own, with a scratch database; prints one line of JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from io import StringIO
from pathlib import Path
from typing import Any


def measure(parts: list[Path]) -> list[dict[str, float]]:
    """For each part its pictures and people, and the seconds, by the clock and of processors, that each way took."""
    from django.core.management import call_command

    from enrollment.runtime.engine import get_engine

    call_command("migrate", interactive=False, verbosity=0)
    engine = get_engine()
    laps = []
    for number, part in enumerate(parts):
        pictures = sorted(part.glob("*/*"))
        _look(engine, pictures[:20])  # what has rested is not measured
        report: dict[str, Any] = {}
        ways: dict[str, Callable[[], object]] = {
            "engine": lambda: _look(engine, pictures),  # noqa: B023
            "command": lambda: report.update(_enrol(part)),  # noqa: B023
        }
        lap: dict[str, float] = {"pictures": len(pictures)}
        for way in sorted(ways, reverse=number % 2 == 0):  # neither is always the first
            lap |= _timed(way, ways[way])
        laps.append(lap | {"enrolled": report["enrolled"], "people": report["people_created"]})
    return laps


def _look(engine: Any, pictures: list[Path]) -> None:
    """All that an enrolment asks of the engine, and nothing else: read, decode, turn, detect, align, judge, embed."""
    from enrollment.pictures.folder_import import look_at_picture

    for job in [engine.submit(look_at_picture, engine, picture) for picture in pictures]:
        job.result()


def _enrol(part: Path) -> dict[str, Any]:
    """The command's totals."""
    from django.core.management import CommandError, call_command

    out = StringIO()
    with suppress(CommandError):  # a picture was refused, which the report says
        call_command("enroll_folder", str(part), "--json", stdout=out)
    totals: dict[str, Any] = json.loads(out.getvalue())["totals"]
    return totals


def _timed(name: str, way: Callable[[], object]) -> dict[str, float]:
    began, busy = time.perf_counter(), time.process_time()
    way()
    return {f"{name}_s": time.perf_counter() - began, f"{name}_cpu_s": time.process_time() - busy}


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "facesite.settings")
    import django

    django.setup()
    print(json.dumps(measure([Path(part) for part in sys.argv[1:]])))  # noqa: T201
