"""What a tilted head costs: `python -m benchmarks.tilt` prints the table of docs/accuracy.md.

Every sixth picture is turned by some degrees and compared with itself upright: once aligned by the detector's own
landmarks, once by those that the pack's landmark network finds. A turned picture is not a tilted head, but for a
detector it is the same.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from benchmarks.accuracy import FACES, ROOT, print_lines
from recognizer.engine import FaceEngine
from recognizer.images import UPLOAD_LIMITS
from recognizer.pipelines import main_face
from recognizer.stages.detection import Detector, YuNetDetector
from recognizer.stages.sessions import open_session
from recognizer.types import Image, RecognizerConfig, Vector

DEGREES = (0, 10, 20, 30, 40, 50)
EVERY = 6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models-dir", type=Path, default=ROOT / "models")
    parser.add_argument("--pack", help="default: the best installed one")
    parser.add_argument("--faces", type=Path, default=FACES / "eval", help="folder of folders, one per person")
    options = parser.parse_args()
    engine = FaceEngine(RecognizerConfig(models_dir=options.models_dir, pack=options.pack, threads=1))
    engine.startup()
    files = sorted(options.faces.glob("*/*.jpg"))[::EVERY]
    pictures = [engine.decode(path.read_bytes(), UPLOAD_LIMITS) for path in files]
    print_lines([f"### {engine.pack.title}", ""], list(tilt_table(engine, pictures)))
    engine.close()


def tilt_table(engine: FaceEngine, pictures: Sequence[Image]) -> Iterator[str]:
    """The table's lines for these H x W x 3 BGR pictures."""
    ways = (YuNetDetector(open_session(engine.pack.detector.path)), engine.detector)
    yield "| turned by | found | cosine, the detector's landmarks | cosine, the second landmarks |"
    yield "|---|---|---|---|"
    upright = [[embed(engine, detector, picture) for picture in pictures] for detector in ways]
    for degrees in DEGREES:
        cells = []
        for detector, originals in zip(ways, upright, strict=True):
            turned = [embed(engine, detector, turn(picture, degrees)) for picture in pictures]
            both = [(a, b) for a, b in zip(originals, turned, strict=True) if a is not None and b is not None]
            cosines = [float(a @ b) for a, b in both]
            cells.append(f"{np.median(cosines):.3f} (a tenth below {np.quantile(cosines, 0.1):.3f})")
        yield f"| {degrees} degrees | {len(cosines)} of {len(pictures)} | {' | '.join(cells)} |"


def embed(engine: FaceEngine, detector: Detector, picture: Image) -> Vector | None:
    """(d,) embedding of the main face of a H x W x 3 BGR picture; None when no face is found."""
    detection = main_face(detector.detect(picture), picture)
    return None if detection is None else engine.embed([engine.align(picture, detection)])[0]


def turn(picture: Image, degrees: float) -> Image:
    """A H x W x 3 picture turned counter-clockwise, in the same size; its borders are repeated outwards."""
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    return np.asarray(cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE), np.uint8)


if __name__ == "__main__":
    main()
