"""Step 11: compare a detector with YuNet on pictures that training has not seen.

Pictures larger than 320 pixels are shrunk to that. The reference is YuNet: its faces at a score of 0.7 or more whose
smaller side exceeds 40 pixels. Landmarks are compared with YuNet's look at the same picture, and with the median of its
landmarks over many looks (steady.py); from that median YuNet's own look is off by 6 %. Empty pictures are the clip
without a face, corner pieces of the LFW pictures in which YuNet sees nothing at a score of 0.2, and the pictures of any
`--empty` folder.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from training.boxes import OnnxDetector, overlaps
from training.pictures import Image, read_picture
from training.steady import landmark_error, steady_landmarks

SIDE = 320
THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
FACE_CLIPS = ("real_male", "real_female", "two_faces", "real_T1", "spoof_F1", "spoof_F2")
LEAST_SIDE = 40.0
LOOKS = 24
REFERENCE_SCORE = 0.7


@dataclass
class Measures:
    """What was measured on one set of pictures. Landmark errors are shares of the eyes' distance."""

    scores: list[float] = field(default_factory=list)
    """The detector's score for each face of the reference; 0 for a face that it missed."""
    steady_errors: list[float] = field(default_factory=list)
    """The detector's landmarks against the median of YuNet's over many looks."""
    landmark_errors: list[float] = field(default_factory=list)
    """The detector's landmarks against YuNet's one look at this picture."""
    reference_errors: list[float] = field(default_factory=list)
    """YuNet's one look against the median of its looks."""
    unmatched: list[float] = field(default_factory=list)
    """Scores of the detector's faces that match none of YuNet's."""
    pictures: int = 0

    def recall(self, threshold: float) -> float:
        """Share of the reference's faces with a score of at least `threshold`, in per cent; NaN without faces."""
        return float(np.mean(np.array(self.scores) >= threshold) * 100) if self.scores else float("nan")

    def surplus(self, threshold: float) -> float:
        """Detections that match no YuNet face of any size (at 0.3), per hundred pictures."""
        return float((np.array(self.unmatched) >= threshold).sum() / max(self.pictures, 1) * 100)


def fit_to_side(image: Image, side: int = SIDE) -> Image:
    """Shrink so that the larger side is at most `side`, as the product does."""
    scale = min(1.0, side / max(image.shape[:2]))
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    return cv2.resize(image, size, interpolation=cv2.INTER_LINEAR).astype(np.uint8)


def read_clip(path: Path) -> Iterator[Image]:
    """The frames of a clip."""
    capture = cv2.VideoCapture(str(path))
    while True:
        done, frame = capture.read()
        if not done:
            return
        yield frame.astype(np.uint8)


def face_pictures(faces: Path) -> Iterator[tuple[str, Image]]:
    """(set, picture): LFW, portraits at two sizes, webcam clips."""
    for path in sorted((faces / "eval").glob("*/*.jpg")):
        yield "lfw", fit_to_side(read_picture(path))
    for path in sorted((faces / "portraits").glob("*.jpg")):
        picture = read_picture(path)
        for side in (SIDE, 2 * SIDE):
            yield "portraits", fit_to_side(picture, side)
    for name in FACE_CLIPS:
        for frame in read_clip(faces / "webcam" / f"{name}.mjpeg"):
            yield name, fit_to_side(frame)


def empty_pictures(faces: Path, reference: OnnxDetector, folders: list[Path]) -> Iterator[tuple[str, Image]]:
    """(set, picture) for pictures without a face."""
    for frame in read_clip(faces / "webcam" / "no_face.mjpeg"):
        yield "no_face clip", fit_to_side(frame)
    for path in sorted((faces / "eval").glob("*/*.jpg")):
        picture = read_picture(path)
        height, width = picture.shape[:2]
        part = 80
        for top in (0, height - part):
            for left in (0, width - part):
                piece = cv2.resize(picture[top : top + part, left : left + part], (SIDE, SIDE)).astype(np.uint8)
                if len(reference.detect(piece, 0.2)) == 0:
                    yield "lfw corners", piece
    for folder in folders:
        for path in sorted(folder.iterdir()):
            yield folder.name, fit_to_side(read_picture(path))


def compare(detector: OnnxDetector, reference: OnnxDetector, image: Image, measures: Measures) -> None:
    """Match the reference's faces with the detector's (IoU at least 0.5) and add the results to `measures`."""
    expected = reference.detect(image, 0.3)
    found = detector.detect(image, min(THRESHOLDS))
    table = overlaps(expected.boxes, found.boxes)
    sides = (expected.boxes[:, 2:] - expected.boxes[:, :2]).min(1)
    rows = np.flatnonzero((expected.scores >= REFERENCE_SCORE) & (sides > LEAST_SIDE))
    steady = steady_landmarks(reference, image, expected.select(rows), LOOKS)
    for row, points in zip(rows, steady, strict=True):
        hits = np.flatnonzero(table[row] >= 0.5)
        if not len(hits):
            measures.scores.append(0.0)
            continue
        best = hits[found.scores[hits].argmax()]
        measures.scores.append(float(found.scores[best]))
        measures.steady_errors.append(landmark_error(found.landmarks[best], points))
        measures.landmark_errors.append(landmark_error(found.landmarks[best], expected.landmarks[row]))
        measures.reference_errors.append(landmark_error(expected.landmarks[row], points))
    matched = table.max(0, initial=0.0) >= 0.3
    measures.unmatched.extend(float(score) for score in found.scores[~matched])
    measures.pictures += 1


def evaluate(detector: OnnxDetector, reference: OnnxDetector, faces: Path, folders: list[Path]) -> dict[str, Measures]:
    table: dict[str, Measures] = {}
    for name, image in face_pictures(faces):
        compare(detector, reference, image, table.setdefault(name, Measures()))
    for name, image in empty_pictures(faces, reference, folders):
        measures = table.setdefault(f"empty: {name}", Measures())
        measures.unmatched.extend(float(score) for score in detector.detect(image, min(THRESHOLDS)).scores)
        measures.pictures += 1
    return table


def time_detectors(detectors: list[OnnxDetector], picture: Image, rounds: int = 100) -> list[float]:
    """Median milliseconds of each detector for one picture shrunk to 320 pixels: one thread, detectors in turns."""
    image = fit_to_side(picture)
    times: list[list[float]] = [[] for _ in detectors]
    for _ in range(rounds):
        for index, detector in enumerate(detectors):
            begun = time.perf_counter()
            detector.detect(image)
            times[index].append((time.perf_counter() - begun) * 1000)
    return [float(np.median(values)) for values in times]


def merge(parts: list[Measures]) -> Measures:
    total = Measures()
    for part in parts:
        total.scores += part.scores
        total.steady_errors += part.steady_errors
        total.landmark_errors += part.landmark_errors
        total.reference_errors += part.reference_errors
        total.unmatched += part.unmatched
        total.pictures += part.pictures
    return total


def median_and_90th(errors: list[float]) -> str:
    """Median and 90th percentile of shares, in per cent."""
    return f"{np.median(errors) * 100:.2f} / {np.quantile(errors, 0.9) * 100:.2f}" if errors else "-"


def print_table(table: dict[str, Measures]) -> None:
    faces = {name: m for name, m in table.items() if not name.startswith("empty")}
    empty = {name: m for name, m in table.items() if name.startswith("empty")}
    shown = [*table.items(), ("ALL faces", merge(list(faces.values()))), ("ALL empty", merge(list(empty.values())))]
    print("| set | pictures | faces | recall % at " + " / ".join(map(str, THRESHOLDS)), end="")
    print(" | landmarks off from the median of looks % | from one look % | YuNet's one look from the median %", end="")
    print(" | extra faces per 100 at the same thresholds |")
    print("|---|---|---|---|---|---|---|---|")
    for name, measures in shown:
        recalls = " / ".join(f"{measures.recall(t):.1f}" for t in THRESHOLDS) if measures.scores else "-"
        kinds = (measures.steady_errors, measures.landmark_errors, measures.reference_errors)
        landmarks = " | ".join(map(median_and_90th, kinds))
        extras = " / ".join(f"{measures.surplus(t):.1f}" for t in THRESHOLDS)
        print(f"| {name} | {measures.pictures} | {len(measures.scores)} | {recalls} | {landmarks} | {extras} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--landmarks", type=Path, default=None, help="the network that finds landmarks again")
    parser.add_argument("--yunet", type=Path, default=Path("../shared/models/yunet_s_dynamic.onnx"))
    parser.add_argument("--faces", type=Path, default=Path("../shared/faces"))
    parser.add_argument("--empty", type=Path, action="append", default=[], help="folder of pictures without a face")
    arguments = parser.parse_args()
    detector, reference = OnnxDetector(arguments.model, landmarks=arguments.landmarks), OnnxDetector(arguments.yunet)
    print_table(evaluate(detector, reference, arguments.faces, arguments.empty))
    portrait = read_picture(min((arguments.faces / "portraits").glob("*.jpg")))
    ours, theirs = time_detectors([detector, reference], portrait)
    print(f"A portrait of 320 pixels, one thread: {ours:.2f} ms; YuNet {theirs:.2f} ms; ratio {ours / theirs:.2f}")


if __name__ == "__main__":
    main()
