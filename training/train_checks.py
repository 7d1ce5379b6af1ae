"""Step 14: train the check network on the aligned crops (step 1's archive) and the turned faces (step 13)."""

from __future__ import annotations

import argparse
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader, IterableDataset

from recognizer.stages.checks import INPUT_SIDE
from training.augment import AugmentStrength, change_light, degrade
from training.checks import CheckNet
from training.covers import cover_mouth, decoy
from training.pictures import decode_picture
from training.prepare_crops import HELD_OUT_EVERY, training_indices
from training.runs import run_steps

Image = NDArray[np.uint8]
LOOK = AugmentStrength(grey=0.15)
UPRIGHT, TURNED = 40.0, 60.0
"""Degrees up to which a face is upright, and from which on it is turned; between them it teaches nothing."""
UNKNOWN = -1.0


@dataclass(frozen=True)
class CheckRecipe:
    steps: int = 5000
    batch: int = 128
    lr: float = 4e-3
    weight_decay: float = 0.02
    average_decay: float = 0.997
    seed: int = 90


@dataclass(frozen=True)
class Material:
    crops: NDArray[np.uint8]
    """N x 112 x 112 x 3 BGR, upright and bare."""
    turned: NDArray[np.uint8]
    """M x 112 x 112 x 3 BGR, as the product crops faces that are turned by quarters, upright ones among them."""
    angles: NDArray[np.float32]
    """(M,) in degrees."""


def load_material(archive: Path, work: Path) -> Material:
    with tarfile.open(archive) as tar:
        members = sorted((m for m in tar.getmembers() if m.isfile()), key=lambda member: member.name)
        files = ((member, tar.extractfile(member)) for member in members)
        crops = np.stack([decode_picture(file.read(), member.name) for member, file in files if file])
    return Material(crops, np.load(work / "turned.npy", mmap_mode="r"), np.load(work / "turned_angles.npy"))


def draw_view(material: Material, indices: NDArray[np.int64], rng: np.random.Generator) -> tuple[Image, float, float]:
    """One 56 x 56 x 3 BGR view, whether it is turned, and whether its mouth is covered (0, 1 or UNKNOWN)."""
    if rng.random() < 0.25:
        return _draw_turned(material, rng)
    crop = material.crops[int(rng.choice(indices))]
    chance, covered = rng.random(), 0.0
    if chance < 0.6:
        others = [material.crops[index] for index in rng.choice(indices, 2)]
        if chance < 0.4:
            crop, covered = cover_mouth(crop, others, rng), 1.0
        else:
            crop = decoy(crop, others, rng)
    turn = float(rng.integers(1, 4) * 90) if rng.random() < 0.2 else 0.0
    angle = turn + (rng.uniform(-35, 35) if rng.random() < 0.2 else rng.normal(0, 6))
    view = _warp(crop, angle, rng)
    return _look(view, rng), float(turn > 0), covered


def _draw_turned(material: Material, rng: np.random.Generator) -> tuple[Image, float, float]:
    while True:
        index = int(rng.integers(len(material.angles)))
        angle = abs(float(material.angles[index]))
        if not UPRIGHT < angle < TURNED:
            view = _warp(material.turned[index], float(rng.normal(0, 4)), rng)
            return _look(view, rng), float(angle >= TURNED), UNKNOWN if angle >= TURNED else 0.0


def _warp(crop: Image, angle: float, rng: np.random.Generator) -> Image:
    """Turned by an angle in degrees, shifted and zoomed a little, perhaps mirrored, at half the sides."""
    zoom = 0.5 * np.exp(rng.normal(0, 0.05))
    matrix = cv2.getRotationMatrix2D((55.5, 55.5), angle, zoom)
    matrix[:, 2] += (INPUT_SIDE - 1) / 2 - 55.5 + rng.normal(0, 1.2, 2)
    if rng.random() < 0.5:
        crop = np.ascontiguousarray(crop[:, ::-1])
    border = cv2.BORDER_REPLICATE if rng.random() < 0.5 else cv2.BORDER_CONSTANT
    smooth = cv2.blur(crop, (2, 2))  # the product halves the crop by areas
    warped = cv2.warpAffine(smooth, matrix, (INPUT_SIDE, INPUT_SIDE), flags=cv2.INTER_LINEAR, borderMode=border)
    return warped.astype(np.uint8)


def _look(view: Image, rng: np.random.Generator) -> Image:
    return degrade(change_light(view, LOOK, rng), LOOK, rng)


class CheckViews(IterableDataset[tuple[Tensor, Tensor]]):
    """Endless views: 3 x 56 x 56 uint8 and the two answers."""

    def __init__(self, material: Material, seed: int) -> None:
        self.material, self.seed = material, seed

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        cv2.setNumThreads(1)
        torch.set_num_threads(1)
        worker = torch.utils.data.get_worker_info()
        rng = np.random.default_rng((self.seed, worker.id if worker else 0))
        indices = training_indices(len(self.material.crops))
        while True:
            view, turned, covered = draw_view(self.material, indices, rng)
            image = torch.from_numpy(np.ascontiguousarray(view.transpose(2, 0, 1)))
            yield image, torch.tensor([turned, covered])


def check_loss(logits: Tensor, answers: Tensor) -> Tensor:
    """Mean cross entropy of the answers that are known."""
    known = (answers >= 0).float()
    losses = F.binary_cross_entropy_with_logits(logits, answers.clamp(0, 1), reduction="none")
    return (losses * known).sum() / known.sum()


def held_out(model: CheckNet, material: Material) -> dict[str, float]:
    """Shares in per cent on views of crops that were not trained on, at 0.5."""
    rng = np.random.default_rng(1)
    indices = np.arange(0, len(material.crops), HELD_OUT_EVERY)
    drawn = [draw_view(material, indices, rng) for _ in range(3000)]
    with torch.no_grad():
        logits = model.eval()(torch.from_numpy(np.stack([view.transpose(2, 0, 1) for view, _, _ in drawn])).float())
    found = (logits > 0).numpy()
    answers = np.array([(turned, covered) for _, turned, covered in drawn])
    shares = {}
    for column, name in enumerate(("turned", "covered")):
        shares[f"{name}_found_%"] = round(100 * float(found[answers[:, column] == 1, column].mean()), 2)
        shares[f"{name}_false_%"] = round(100 * float(found[answers[:, column] == 0, column].mean()), 2)
    return shares


def train(recipe: CheckRecipe, material: Material, run: Path, report_every: int, workers: int) -> None:
    print(f"{len(material.crops)} crops", flush=True)
    views = CheckViews(material, recipe.seed)

    def loss_of(model: CheckNet, images: Tensor, answers: Tensor) -> Tensor:
        return check_loss(model(images.float().contiguous(memory_format=torch.channels_last)), answers)

    run_steps(
        CheckNet,
        DataLoader(views, batch_size=recipe.batch, num_workers=workers, prefetch_factor=3),
        loss_of,
        lambda averaged: held_out(averaged, material),
        recipe=recipe,
        run=run,
        report_every=report_every,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--crops", type=Path, default=Path("../shared/faces/train/crops_112_webp.tar"))
    parser.add_argument("--work", type=Path, required=True, help="folder that step 13 filled")
    parser.add_argument("--run", type=Path, required=True, help="folder of this run")
    parser.add_argument("--steps", type=int, default=CheckRecipe.steps)
    parser.add_argument("--batch", type=int, default=CheckRecipe.batch)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--report-every", type=int, default=250)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    material = load_material(arguments.crops, arguments.work)
    recipe = CheckRecipe(steps=arguments.steps, batch=arguments.batch)
    train(recipe, material, arguments.run, arguments.report_every, arguments.workers)


if __name__ == "__main__":
    main()
