"""Training needs PyTorch (over a gigabyte), the product does not: only CI makes an environment of its own for it."""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import skips

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "training" / "requirements.txt"


@pytest.fixture(scope="session")
def training_python() -> Path:
    """An interpreter with training/requirements.txt: this one if it has torch, else .cache/training-*/bin/python."""
    if importlib.util.find_spec("torch") is not None:
        return Path(sys.executable)
    if not skips.in_ci():
        skips.skip("training", "no PyTorch: pip install -r training/requirements.txt")
    digest = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:8]
    home = ROOT / ".cache" / f"training-{digest}"
    python = home / "bin" / "python"
    if not (home / "complete").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
        command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*command, "-r", str(REQUIREMENTS)], check=True, timeout=900)
        (home / "complete").touch()
    return python
