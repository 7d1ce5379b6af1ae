"""What `enroll_folder` makes of what the engine alone could do: `manage.py benchmark folder`.

A folder of people is made out of sample faces: those of a folder, then one person of each aligned crop of a tar. (Where
there are no more of them all come again under other names and in other files, and the command finds look-alikes.) The
real command enrols it into a scratch database, a part at a time; right before or after each part the engine alone looks
at the same pictures. So other work on the machine slows both.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.sample import CROPS, DEFAULT_FACES, altered, crops_in, picture_around
from benchmarks.site import ROOT, site_environment
from enrollment.runtime.engine import start_engine
from enrollment.runtime.pack_choice import chosen_pack_name
from recognizer.errors import ImageError
from recognizer.images import SUFFIXES, decode_crop

ONE_EACH = "utk/"
"""Members of the tar of which each shows somebody else."""
GOAL = 0.9
"""Share of the engine's own pace that the command shall reach."""


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--faces", type=Path, default=DEFAULT_FACES, help="folder of people (default: %(default)s)")
    parser.add_argument(
        "--crops", type=Path, default=CROPS, help="tar with one crop of each further person (default: %(default)s)"
    )
    parser.add_argument("--pictures", type=int, default=6_000, help="to enrol (default: %(default)s)")
    parser.add_argument("--each", type=int, default=4, help="pictures of each person (default: %(default)s)")
    parser.add_argument("--turns", type=int, default=5, help="parts, each done both ways (default: %(default)s)")


def run(
    *, faces: Path, pictures: int, each: int, turns: int, crops: Path | None = None, **options: Any
) -> dict[str, Any]:
    """Pictures per second of both ways and their ratio.

    crops: None, and where there is no such file: without further people. Raises PackError, ValueError, OSError (the
    command failed).
    """
    if each < 1 or turns < 1 or pictures < each * turns:
        raise ValueError("Measure with at least one picture of each person, one turn, and one person for each turn.")
    known = _pictures_by_person(faces)
    if crops and crops.exists():
        known += _people_of_crops(crops, pictures // each - len(known))
    engine = start_engine(chosen_pack_name())
    models_dir, pack = engine.config.models_dir, engine.pack.name
    engine.close()
    with tempfile.TemporaryDirectory(prefix="facesite-folder-") as work:
        people = _people(known, each)
        parts = [Path(work) / "people" / str(turn) for turn in range(turns)]
        for part in parts:
            _write(part, islice(people, pictures // each // turns))
        os.sync()  # else the database's first writes wait until the disk has all these files
        environment = site_environment(Path(work), models_dir=models_dir, pack=pack)
        laps = _in_process(environment, parts)
    return {"benchmark": "folder", "pack": pack, "cores": os.cpu_count(), **_report(laps)}


def _pictures_by_person(faces: Path) -> list[list[bytes]]:
    folders = [path for path in sorted(faces.iterdir()) if path.is_dir()]
    files = [[path for path in sorted(folder.iterdir()) if path.suffix.lower() in SUFFIXES] for folder in folders]
    if not any(files):
        raise ValueError(f"There are no folders with pictures in {faces}: name a folder that has some with --faces.")
    return [[path.read_bytes() for path in paths] for paths in files if paths]


def _people_of_crops(tar: Path, most: int) -> list[list[bytes]]:
    """Raises ValueError for a file that is no such tar."""
    try:
        crops = islice(crops_in(tar, lambda name: name.startswith(ONE_EACH)), max(0, most))
        return [[picture_around(decode_crop(crop))] for _, crop in crops]
    except (tarfile.TarError, ImageError) as error:
        raise ValueError(f"{tar} is no tar of aligned crops: name one with --crops.") from error


def _people(known: Sequence[Sequence[bytes]], each: int) -> Iterator[tuple[str, list[bytes]]]:
    """Names and pictures, without end: who was there before comes again under another name, in other pictures."""
    for number, pictures in enumerate(cycle(known)):
        first = number // len(known) * each
        chosen = islice(enumerate(cycle(pictures), start=first), each)
        yield f"Person_{number:06}", [altered(picture, way) for way, picture in chosen]


def _write(part: Path, people: Iterator[tuple[str, list[bytes]]]) -> None:
    for name, pictures in people:
        (part / name).mkdir(parents=True)
        for number, picture in enumerate(pictures):
            (part / name / f"{number:03}.jpg").write_bytes(picture)


def _in_process(environment: dict[str, str], parts: Sequence[Path]) -> list[dict[str, float]]:
    command = [sys.executable, "-m", "benchmarks.folder_turns", *map(str, parts)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise OSError(f"The folder could not be enrolled: {done.stderr.strip().splitlines()[-1]}")
    laps: list[dict[str, float]] = json.loads(done.stdout.splitlines()[-1])
    return laps


def _report(laps: Sequence[dict[str, float]]) -> dict[str, Any]:
    """laps: as folder_turns.measure() gives them. The ratio is the median of those of the turns."""
    pictures = sum(lap["pictures"] for lap in laps)
    ratios = [lap["engine_s"] / lap["command_s"] for lap in laps]
    ways = {
        way: {
            "pictures_per_s": round(pictures / sum(lap[f"{way}_s"] for lap in laps), 1),
            "cpu_ms_per_picture": round(1000 * sum(lap[f"{way}_cpu_s"] for lap in laps) / pictures, 2),
        }
        for way in ("engine", "command")
    }
    ratio = round(float(np.median(ratios)), 3)
    return {
        "pictures": pictures,
        "enrolled": sum(lap["enrolled"] for lap in laps),
        "people": sum(lap["people"] for lap in laps),
        "ways": ways,
        "ratio_by_turn": " ".join(f"{each:.3f}" for each in ratios),
        "ratio": ratio,
        "goal": GOAL,
        "goal_reached": ratio >= GOAL,
    }
