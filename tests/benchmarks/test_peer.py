from __future__ import annotations

import subprocess
from pathlib import Path

from benchmarks import environments, peer


def test_face_recognition_finds_and_describes_the_same_faces(shared_faces):
    """Installs it where it is not: 100 MB from the package index."""
    bodies = [path.read_bytes() for path in sorted((shared_faces / "eval").rglob("*.jpg"))[:2]]
    measured = peer.measure_peer(bodies, people=3)
    assert measured["faces_per_picture"] == 1.0
    assert measured["cpu_ms_per_picture"] > 0


def test_where_it_cannot_be_had_the_result_says_why(monkeypatch, tmp_path: Path):
    monkeypatch.setattr(environments, "CACHE", tmp_path)

    def refuse(*command: str) -> str:
        raise subprocess.CalledProcessError(1, command, stderr="ERROR: 1\nERROR: No matching distribution found")

    monkeypatch.setattr(environments, "run", refuse)
    missing = peer.measure_peer([b"jpeg"], people=1)["missing"]
    assert missing == "face_recognition cannot be installed or run here: ERROR: No matching distribution found"


def test_every_package_is_pinned_with_its_hashes():
    packages = [line for line in peer.PACKAGES.read_text().splitlines() if not line.startswith((" ", "#"))]
    assert packages
    assert all("==" in line and line.endswith("\\") for line in packages)
