"""Verification on pairs of LFW faces: 10-fold accuracy, and the true-accept rate at fixed false-match rates."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from training.pictures import read_picture

Array = NDArray[np.float32]

# The five points of the ArcFace template in a 112 x 112 crop: right eye, left eye, nose, right and left mouth corner
# as seen in the picture (Deng et al. 2019, arXiv:1801.07698; insightface/utils/face_align.py).
ARCFACE_TEMPLATE: Array = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]], np.float32
)
LANDMARK_COLUMNS = ("reye", "leye", "nose", "rmouth", "lmouth")


@dataclass(frozen=True)
class PairScores:
    """Accuracy in per cent over ten folds; `rates` maps an FMR to (threshold, TAR in per cent) over all cross pairs."""

    accuracy: float
    deviation: float
    pairs: int
    rates: dict[float, tuple[float, float]]
    non_mated: int
    mated: int


def similarity_matrix(points: Array, template: Array = ARCFACE_TEMPLATE) -> Array:
    """The least-squares rotation, scale and shift (2 x 3) that takes `points` (5 x 2) to `template` (Umeyama 1991)."""
    source, target = points - points.mean(0), template - template.mean(0)
    left, singular, right = np.linalg.svd(target.T @ source)
    sign = np.array([1.0, np.sign(np.linalg.det(left @ right))])
    rotation = (left * sign) @ right
    scale = (singular * sign).sum() / (source**2).sum()
    linear = scale * rotation
    return np.column_stack([linear, template.mean(0) - linear @ points.mean(0)]).astype(np.float32)


def align_face(image: NDArray[np.uint8], points: Array, size: int = 112) -> NDArray[np.uint8]:
    """The aligned crop, `size` x `size` x 3, in the colour order of `image` (H x W x 3). points: 5 x 2."""
    matrix = similarity_matrix(points)
    matrix *= size / 112
    return cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR).astype(np.uint8, copy=False)


def load_eval_crops(
    folder: Path, find: Callable[[NDArray[np.uint8]], Array | None] | None = None
) -> tuple[list[str], NDArray[np.uint8]]:
    """Names (`Person/file.jpg`) and aligned RGB crops, N x 112 x 112 x 3, by the landmarks in `landmarks.csv`.

    `find` looks for landmarks (5 x 2) in the BGR picture instead; where it finds none, the table's are used.
    """
    names, crops = [], []
    with (folder / "landmarks.csv").open() as handle:
        for row in csv.DictReader(handle):
            points = np.array([[row[f"{c}_x"], row[f"{c}_y"]] for c in LANDMARK_COLUMNS], np.float32)
            names.append(row["file"])
            image = read_picture(folder / row["file"])
            found = None if find is None else find(image)
            crops.append(align_face(np.ascontiguousarray(image[..., ::-1]), points if found is None else found))
    return names, np.stack(crops)


def load_pairs(folder: Path, names: list[str]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """N x 2 indices into `names`, and for each pair (N) whether it is mated."""
    index = {name: position for position, name in enumerate(names)}
    with (folder / "pairs.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    pairs = np.array([[index[row["a"]], index[row["b"]]] for row in rows])
    return pairs, np.array([row["same"] == "1" for row in rows])


def ten_fold_accuracy(scores: Array, mated: NDArray[np.bool_], seed: int = 0) -> tuple[float, float]:
    """Mean and standard error in per cent: each fold is judged at the best threshold of the nine others.

    scores: N, one for each pair; mated: N.
    """
    order = np.random.default_rng(seed).permutation(len(scores))
    folds = np.array_split(order, 10)
    candidates = np.unique(scores)
    results = []
    for fold in folds:
        rest = np.setdiff1d(order, fold)
        ordered_mated, ordered_non_mated = np.sort(scores[rest][mated[rest]]), np.sort(scores[rest][~mated[rest]])
        right = len(ordered_mated) - np.searchsorted(ordered_mated, candidates)
        right = right + np.searchsorted(ordered_non_mated, candidates)
        best = candidates[np.flatnonzero(right == right.max())]
        threshold = np.median(best)
        results.append(np.mean((scores[fold] >= threshold) == mated[fold]))
    return float(np.mean(results) * 100), float(np.std(results, ddof=1) / np.sqrt(10) * 100)


def cross_scores(embeddings: Array, names: list[str]) -> tuple[Array, Array]:
    """Scores of all mated and of all non-mated pairs of pictures. embeddings: N x D; names: `Person/file.jpg`."""
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    people = np.array([name.split("/")[0] for name in names])
    upper = np.triu_indices(len(names), 1)
    scores = (unit @ unit.T)[upper]
    same = (people[:, None] == people[None])[upper]
    return scores[same], scores[~same]


def threshold_at(non_mated: Array, rate: float) -> float:
    """The lowest threshold that at most a share `rate` of the non-mated scores (N) reaches."""
    ordered = np.sort(non_mated)[::-1]
    allowed = int(np.floor(rate * len(ordered)))
    return float(np.nextafter(ordered[allowed], np.float32(2)))


def score_embeddings(folder: Path, names: list[str], embeddings: Array) -> PairScores:
    """All measures for one set of embeddings (N x D) of the evaluation faces."""
    pairs, mated = load_pairs(folder, names)
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    scores = (unit[pairs[:, 0]] * unit[pairs[:, 1]]).sum(1)
    accuracy, deviation = ten_fold_accuracy(scores, mated)
    same, different = cross_scores(embeddings, names)
    rates = {}
    for rate in (1e-2, 1e-3, 1e-4, 1e-5):
        threshold = threshold_at(different, rate)
        rates[rate] = (threshold, float((same >= threshold).mean() * 100))
    return PairScores(accuracy, deviation, len(scores), rates, len(different), len(same))


def embed_crops(embed: Callable[[Array], Array], crops: NDArray[np.uint8], batch: int = 32) -> Array:
    """Run `embed` (N,3,112,112 in [-1, 1] to N,D) over N x 112 x 112 x 3 RGB crops. Returns N x D."""
    parts = []
    for start in range(0, len(crops), batch):
        pixels = (crops[start : start + batch].astype(np.float32) - 127.5) / 127.5
        parts.append(embed(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))))
    return np.concatenate(parts)
