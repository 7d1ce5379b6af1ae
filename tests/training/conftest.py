"""Training needs PyTorch (over a gigabyte), the product does not: only CI makes an environment of its own for it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from benchmarks.environments import Environment
from tests.support import skips

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def training_python() -> Path:
    """An interpreter with training/requirements.txt: this one if it has torch, else .cache/training-*/bin/python."""
    if importlib.util.find_spec("torch") is not None:
        return Path(sys.executable)
    if not skips.in_ci():
        skips.skip("training", "no PyTorch: pip install -r training/requirements.txt")
    return Environment("training", ROOT / "training" / "requirements.txt").make()
