"""Step 8: train the landmark network on the faces of the scenes (step 5). A run is short; it starts anew each time."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from recognizer.stages.landmarks import CUT_SCALE, CUT_SIDE, cut_matrix
from training.augment import AugmentStrength, change_light, degrade, occlude
from training.landmarks import EYES, LandmarkNet
from training.prepare_crops import HELD_OUT_EVERY, training_indices
from training.runs import run_steps
from training.steady import MIRRORED_LANDMARKS, Array, landmark_error

Image = NDArray[np.uint8]
LOOK = AugmentStrength().scaled(0.6)
FACE_SIDE = 112
FACE_SCALE = FACE_SIDE / (1.7 * 112)
"""Faces are kept upright with room around them: 1.7 times the side of an aligned crop."""
SMALLEST_FACE = 44.0
"""Larger side in pixels. YuNet's landmarks of a smaller face are not exact enough to learn from."""


@dataclass(frozen=True)
class LandmarkRecipe:
    steps: int = 4000
    batch: int = 128
    lr: float = 4e-3
    weight_decay: float = 0.02
    average_decay: float = 0.997
    seed: int = 70


def load_faces(work: Path) -> tuple[NDArray[np.uint8], Array]:
    """N x 112 x 112 x 3 upright faces (BGR) of all scenes, and their N x 5 x 2 landmarks."""
    scenes, tables = np.load(work / "scenes.npy", mmap_mode="r"), np.load(work / "scene_faces.npy")
    faces, landmarks = [], []
    for scene, table in zip(scenes, tables, strict=False):  # labels may be those of the first scenes only
        large = (table[:, 2:4] - table[:, 0:2]).max(1) >= SMALLEST_FACE
        for points in table[large & (table[:, 14] == 1), 4:14].reshape(-1, 5, 2):
            matrix = cut_matrix(points, FACE_SIDE, FACE_SCALE)
            faces.append(cv2.warpAffine(scene, matrix, (FACE_SIDE, FACE_SIDE), borderMode=cv2.BORDER_REPLICATE))
            landmarks.append(points @ matrix[:, :2].T + matrix[:, 2])
    return np.stack(faces).astype(np.uint8), np.stack(landmarks).astype(np.float32)


def draw_matrix(rng: np.random.Generator) -> tuple[NDArray[np.float64], bool]:
    """The 2 x 3 matrix from a stored face to a cut as far off as a detector makes it, and whether it mirrors."""
    far = rng.random() < 0.3  # a tilted head, whose landmarks detectors set as if it were upright
    angle = np.deg2rad(rng.uniform(-40, 40) if far else rng.normal(0, 7))
    zoom = CUT_SCALE / FACE_SCALE * np.exp(rng.normal(0, 0.15 if far else 0.07))
    cosine, sine = zoom * np.cos(angle), zoom * np.sin(angle)
    mirror = bool(rng.random() < 0.5)
    linear = np.array([[cosine, -sine], [sine, cosine]]) @ np.diag([-1.0 if mirror else 1.0, 1.0])
    shift = CUT_SIDE / 2 + rng.normal(0, (0.18 if far else 0.07) * EYES, 2)
    return np.column_stack([linear, shift - linear @ np.full(2, FACE_SIDE / 2)]), mirror


def cut_face(face: Image, points: Array, matrix: NDArray[np.float64], *, mirror: bool) -> tuple[Image, Array]:
    """The cut (64 x 64 x 3) of a face by a 2 x 3 matrix, and its landmarks (5 x 2) there."""
    cut = cv2.warpAffine(face, matrix, (CUT_SIDE, CUT_SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    placed = (points @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
    return cut.astype(np.uint8), placed[MIRRORED_LANDMARKS] if mirror else placed


class CutViews(IterableDataset[tuple[Tensor, Tensor]]):
    """Endless augmented cuts: 3 x 64 x 64 uint8 and 5 x 2 landmarks."""

    def __init__(self, faces: NDArray[np.uint8], points: Array, seed: int) -> None:
        self.faces, self.points, self.seed = faces, points, seed

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        cv2.setNumThreads(1)
        torch.set_num_threads(1)
        rng = np.random.default_rng(self.seed)
        indices = training_indices(len(self.faces))
        while True:
            index = int(rng.choice(indices))
            matrix, mirror = draw_matrix(rng)
            cut, placed = cut_face(self.faces[index], self.points[index], matrix, mirror=mirror)
            cut = degrade(occlude(change_light(cut, LOOK, rng), LOOK, rng), LOOK, rng)
            yield torch.from_numpy(np.ascontiguousarray(cut.transpose(2, 0, 1))), torch.from_numpy(placed)


def landmark_loss(predicted: Tensor, wanted: Tensor) -> Tensor:
    """Wing-like: nearly linear from two per cent of the eyes' distance on (Feng et al. 2018, arXiv:1711.06753)."""
    return torch.log1p(torch.linalg.vector_norm(predicted - wanted, dim=2) / (0.02 * EYES)).mean()


def held_out_error(model: LandmarkNet, faces: NDArray[np.uint8], points: Array) -> float:
    """Median distance of the landmarks over that of the eyes, in per cent, on cuts as a detector makes them.

    faces: N x 112 x 112 x 3; points: N x 5 x 2. Only the held-out faces are used.
    """
    rng = np.random.default_rng(1)
    cuts, wanted = [], []
    for index in range(0, len(faces), HELD_OUT_EVERY):
        matrix, mirror = draw_matrix(rng)
        cut, placed = cut_face(faces[index], points[index], matrix, mirror=mirror)
        cuts.append(cut.transpose(2, 0, 1))
        wanted.append(placed)
    with torch.no_grad():
        found = model.eval()(torch.from_numpy(np.stack(cuts)).float()).numpy()
    errors = [landmark_error(*pair) for pair in zip(found, wanted, strict=True)]
    return float(np.median(errors) * 100)


def train(recipe: LandmarkRecipe, work: Path, run: Path, report_every: int) -> None:
    faces, points = load_faces(work)
    print(f"{len(faces)} faces", flush=True)

    def loss_of(model: LandmarkNet, images: Tensor, wanted: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            predicted = model(images.to(memory_format=torch.channels_last).float())
        return landmark_loss(predicted.float(), wanted)

    run_steps(
        LandmarkNet,
        DataLoader(CutViews(faces, points, recipe.seed), batch_size=recipe.batch, num_workers=1, prefetch_factor=3),
        loss_of,
        lambda averaged: {"held_out_error_%": round(held_out_error(averaged, faces, points), 3)},
        recipe=recipe,
        run=run,
        report_every=report_every,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder that step 5 filled")
    parser.add_argument("--run", type=Path, required=True, help="folder of this run")
    parser.add_argument("--steps", type=int, default=LandmarkRecipe.steps)
    parser.add_argument("--batch", type=int, default=LandmarkRecipe.batch)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--report-every", type=int, default=200)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    train(
        LandmarkRecipe(steps=arguments.steps, batch=arguments.batch),
        arguments.work,
        arguments.run,
        arguments.report_every,
    )


if __name__ == "__main__":
    main()
