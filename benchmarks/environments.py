"""Environments of their own below .cache: what only tests and measurements need is never part of the product."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

CACHE: Final = Path(__file__).resolve().parents[1] / ".cache"
LONGEST_S: Final = 900


@dataclass(frozen=True, slots=True)
class Environment:
    name: str
    requirements: Path
    """Other contents make another environment."""
    options: tuple[str, ...] = ()
    """Of `pip install`."""

    @property
    def home(self) -> Path:
        return CACHE / f"{self.name}-{hashlib.sha256(self.requirements.read_bytes()).hexdigest()[:8]}"

    @property
    def python(self) -> Path:
        return self.home / "bin" / "python"

    @property
    def is_complete(self) -> bool:
        return (self.home / "complete").exists()

    def make(self, finish: Callable[[], object] = lambda: None) -> Path:
        """Its Python; nothing to do where it is complete. finish: what is left to do with the packages, once.

        Raises OSError, subprocess.CalledProcessError (stderr says why), subprocess.TimeoutExpired.
        """
        if not self.is_complete:
            run(sys.executable, "-m", "venv", "--clear", str(self.home))
            # Python compiles what is imported; all of PyTorch would take a minute.
            options = ("--quiet", "--disable-pip-version-check", "--no-compile", *self.options)
            run(str(self.python), "-m", "pip", "install", *options, "-r", str(self.requirements))
            finish()
            (self.home / "complete").touch()
        return self.python


def run(*command: str) -> str:
    """What it prints. Raises as Environment.make()."""
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=LONGEST_S)  # noqa: S603
    return done.stdout
