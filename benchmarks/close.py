"""Faces that fill the picture: `python -m benchmarks.close` prints the table of docs/accuracy.md.

The faces of ../shared/faces/eval are cut out of their pictures, within or at their boxes, and each cut is looked at
once as frames are and once as stills are. The same for parts of pictures without a face.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import cv2
import numpy as np

from benchmarks.accuracy import FACES, ROOT, print_lines
from benchmarks.sample import clip_frames
from recognizer.engine import FaceEngine
from recognizer.types import Detection, Image, RecognizerConfig

LACKS = (0.0, 0.06, 0.12, 0.2)
"""Shares of the box that are cut off on each side."""
ENLARGED = (1, 3)
PARTS = 6
"""Of each frame without a face: how many parts of it are looked at."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models-dir", type=Path, default=ROOT / "models")
    parser.add_argument("--pack", help="default: the best installed one")
    options = parser.parse_args()
    engine = FaceEngine(RecognizerConfig(models_dir=options.models_dir, pack=options.pack, threads=1))
    engine.startup()
    print_lines([f"### {engine.pack.title}", ""], list(close_table(engine)))
    engine.close()


def close_table(engine: FaceEngine) -> Iterator[str]:
    """The table's lines."""
    looks: tuple[Callable[[Image], list[Detection]], ...] = (engine.detect, engine.detect_still)

    def row(what: str, pictures: list[Image]) -> str:
        found = " | ".join(str(sum(bool(look(each)) for each in pictures)) for look in looks)
        return f"| {what} | {len(pictures)} | {found} |"

    yield "| pictures | how many | with a face, as a frame | as a still |"
    yield "|---|---|---|---|"
    for lack in LACKS:
        for times in ENLARGED:
            faces = list(cut_faces(FACES / "eval", lack, times))
            yield row(f"faces, {lack:.0%} of the box cut off on each side, {times} x", faces)
    yield row("parts of the clip no_face", list(empty_parts()))


def cut_faces(folder: Path, lack: float, times: float, *, every: int = 1) -> Iterator[Image]:
    """The faces of the pictures in `folder`, each without that share of its box on each side, so many times as large.

    every: only one in so many.
    """
    with (folder / "landmarks.csv").open() as table:
        for row in list(csv.DictReader(table))[::every]:
            left, top, width, height = (float(row[name]) for name in ("x", "y", "w", "h"))
            rows, columns = (
                slice(int(max(0.0, start + lack * side)), int(start + side - lack * side))
                for start, side in ((top, height), (left, width))
            )
            picture = cast(Image, cv2.imread(str(folder / row["file"])))
            yield cast(Image, cv2.resize(picture[rows, columns], None, fx=times, fy=times))


def empty_parts() -> Iterator[Image]:
    """Squares at random places of the frames of a clip in which nobody is seen."""
    random = np.random.default_rng(0)
    for frame in clip_frames(FACES / "webcam" / "no_face.mjpeg"):
        for _ in range(PARTS):
            side = int(random.integers(80, min(frame.shape[:2])))
            top, left = (int(random.integers(0, length - side + 1)) for length in frame.shape[:2])
            yield np.ascontiguousarray(frame[top : top + side, left : left + side])


if __name__ == "__main__":
    main()
