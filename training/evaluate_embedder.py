"""Step 10: verification accuracy of embedders on the LFW evaluation faces, and their time per face."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from training.boxes import OnnxDetector
from training.pairs import PairScores, embed_crops, load_eval_crops, score_embeddings

Array = NDArray[np.float32]


class OnnxEmbedder:
    """Any embedder with ArcFace's input: N,3,112,112 RGB in [-1, 1]."""

    def __init__(self, path: Path, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.input_name = self.session.get_inputs()[0].name

    def __call__(self, pixels: Array) -> Array:
        return np.asarray(self.session.run(None, {self.input_name: pixels})[0], np.float32)


class CentralFace:
    """The (5 x 2) landmarks of the face nearest to the picture's centre, by any YuNet-like detector.

    `missed` counts the pictures without a face.
    """

    def __init__(self, detector: Path, landmarks: Path | None) -> None:
        self.detector = OnnxDetector(detector, landmarks=landmarks)
        self.missed = 0

    def __call__(self, image: NDArray[np.uint8]) -> Array | None:
        faces = self.detector.detect(image, 0.6)
        if not len(faces):
            self.missed += 1
            return None
        centre = np.array([image.shape[1], image.shape[0]]) / 2
        middle = (faces.boxes[:, :2] + faces.boxes[:, 2:]) / 2
        return faces.landmarks[np.linalg.norm(middle - centre, axis=1).argmin()]


def time_embedders(embedders: list[OnnxEmbedder], rounds: int = 100) -> list[float]:
    """Median milliseconds of each model for one face: one thread, models in turns."""
    pixels = np.random.default_rng(0).uniform(-1, 1, (1, 3, 112, 112)).astype(np.float32)
    times: list[list[float]] = [[] for _ in embedders]
    for _ in range(rounds):
        for index, embedder in enumerate(embedders):
            begun = time.perf_counter()
            embedder(pixels)
            times[index].append((time.perf_counter() - begun) * 1000)
    return [float(np.median(values)) for values in times]


def table_row(name: str, scores: PairScores, milliseconds: float) -> str:
    rates = " | ".join(f"{threshold:.3f} / {tar:.2f}" for threshold, tar in scores.rates.values())
    return f"| {name} | {scores.accuracy:.2f} +-{scores.deviation:.2f} | {rates} | {milliseconds:.1f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--eval", type=Path, default=Path("../shared/faces/eval"))
    parser.add_argument("--detector", type=Path, default=None, help="align by its landmarks, not by YuNet's table")
    parser.add_argument("--landmarks", type=Path, default=None, help="with --detector: finds the landmarks again")
    arguments = parser.parse_args()
    find = None if arguments.detector is None else CentralFace(arguments.detector, arguments.landmarks)
    names, crops = load_eval_crops(arguments.eval, find)
    if find is not None:
        print(f"{find.missed} of {len(names)} pictures without a face for {arguments.detector.stem}")
    embedders = [OnnxEmbedder(path) for path in arguments.models]
    results = [score_embeddings(arguments.eval, names, embed_crops(embedder, crops)) for embedder in embedders]
    first = results[0]
    print(f"{first.pairs} pairs in ten folds; {first.mated} mated and {first.non_mated} non-mated cross pairs")
    heads = " | ".join(f"threshold / TAR % at FMR {rate:g}" for rate in first.rates)
    print(f"| model | accuracy % | {heads} | ms per face |\n|{'---|' * (3 + len(first.rates))}")
    for path, scores, milliseconds in zip(arguments.models, results, time_embedders(embedders), strict=True):
        print(table_row(path.stem, scores, milliseconds))


if __name__ == "__main__":
    main()
