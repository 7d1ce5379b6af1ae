"""What a picture costs the library face_recognition (dlib): load it, find its faces, describe them, compare.

Started by benchmarks/peer.py with a Python of its own, which has that library and nothing of this project. Prints JSON.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import face_recognition  # type: ignore[import-not-found]  # only the peer's own Python has it
import numpy as np

ROUNDS = 3


def measure(pictures: list[Path], people: int) -> dict[str, Any]:
    """CPU milliseconds and faces of one picture, the mean over all; as the library's own documentation does it."""
    known = list(np.random.default_rng(0).normal(scale=0.1, size=(people, 128)))
    look(pictures[0], known)
    begin, faces = time.process_time(), 0
    for picture in pictures * ROUNDS:
        faces += look(picture, known)
    looked_at = ROUNDS * len(pictures)
    return {
        "cpu_ms_per_picture": round(1000 * (time.process_time() - begin) / looked_at, 2),
        "faces_per_picture": round(faces / looked_at, 2),
    }


def look(picture: Path, known: list[Any]) -> int:
    """How many faces it found, each compared with everybody."""
    found = face_recognition.face_encodings(face_recognition.load_image_file(str(picture)))
    for face in found:
        face_recognition.compare_faces(known, face)
        np.argmin(face_recognition.face_distance(known, face))
    return len(found)


if __name__ == "__main__":
    folder, people = Path(sys.argv[1]), int(sys.argv[2])
    print(json.dumps(measure(sorted(folder.iterdir()), people)))  # noqa: T201
