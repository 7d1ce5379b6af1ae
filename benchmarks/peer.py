"""The library face_recognition beside the product, in a virtual environment of its own below .cache.

Its packages are pinned with their hashes (face_recognition.txt) and installed from the package index at the first use:
100 MB, most of it dlib's models. None of it is ever part of the product.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Final

from benchmarks import environments
from benchmarks.environments import Environment

PACKAGES: Final = Path(__file__).with_name("face_recognition.txt")
ENVIRONMENT: Final = Environment("face_recognition", PACKAGES, ("--no-deps", "--require-hashes"))
SCRIPT: Final = Path(__file__).with_name("face_recognition_way.py")


def measure_peer(bodies: list[bytes], people: int) -> dict[str, Any]:
    """What a picture costs it, beside galleries of the same size. {"missing": why} where it cannot be had or run."""
    try:
        python = ENVIRONMENT.make()
        with tempfile.TemporaryDirectory(prefix="facesite-benchmark-") as folder:
            for number, body in enumerate(bodies):
                (Path(folder) / f"{number:04}.jpg").write_bytes(body)
            found: dict[str, Any] = json.loads(environments.run(str(python), str(SCRIPT), folder, str(people)))
            return found
    except (OSError, subprocess.SubprocessError) as error:
        return {"missing": _reason(error)}


def _reason(error: Exception) -> str:
    said = str(getattr(error, "stderr", "") or error).strip().splitlines()
    return f"face_recognition cannot be installed or run here: {said[-1] if said else type(error).__name__}"
