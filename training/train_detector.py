"""Step 6: train the starter detector on the stored scenes. Resumes by itself from `--run`."""

from __future__ import annotations

import argparse
import json
import time
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

from training.detector import MIRRORED_LANDMARKS, STRIDES, StarterDetector, cell_corners, decode_boxes
from training.embedder import count_parameters
from training.optim import WeightAverage, make_optimizers, one_cycle
from training.threads import ThreadTuner

INPUT = 256
# Faces (larger side, pixels) that each stride answers for; neighbours overlap.
SIZE_RANGES = {8: (0.0, 44.0), 16: (32.0, 100.0), 32: (72.0, 1e9)}
SMALLEST_FACE = 9.0


@dataclass(frozen=True)
class DetectorRecipe:
    steps: int = 6000
    seconds: float | None = None
    batch: int = 24
    lr: float = 6e-3
    weight_decay: float = 0.02
    average_decay: float = 0.998
    box_weight: float = 2.0
    landmark_weight: float = 4.0
    seed: int = 50


def transform_scene(
    scene: NDArray[np.uint8], faces: NDArray[np.float32], rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """A random zoom, turn and mirror of a scene, cut to INPUT x INPUT x 3, and its faces there.

    faces: 24 x 15, as scenes.py writes them. A face that leaves the view, or becomes too small, becomes one to ignore.
    """
    side = scene.shape[0]
    scale = float(np.exp(rng.uniform(np.log(0.55), np.log(1.35))))
    angle = float(rng.normal(0, 7)) if rng.random() < 0.5 else 0.0
    matrix = cv2.getRotationMatrix2D((side / 2, side / 2), angle, scale)
    slack = (side * scale - INPUT) / 2
    shift = rng.uniform(-abs(slack) - 20, abs(slack) + 20, 2)
    matrix[:, 2] += INPUT / 2 - side / 2 + shift
    mirror = rng.random() < 0.5
    if mirror:
        matrix[0] = -matrix[0] + np.array([0, 0, INPUT - 1])
    border = cv2.BORDER_CONSTANT if rng.random() < 0.5 else cv2.BORDER_REPLICATE
    view = cv2.warpAffine(scene, matrix, (INPUT, INPUT), flags=cv2.INTER_LINEAR, borderMode=border)
    rows = faces[faces[:, 14] != 0].copy()
    if len(rows):
        corners = rows[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2) @ matrix[:, :2].T + matrix[:, 2]
        points = rows[:, 4:14].reshape(-1, 5, 2) @ matrix[:, :2].T + matrix[:, 2]
        size = (rows[:, 2:4] - rows[:, 0:2]) * scale
        centre = corners.mean(1)
        rows[:, 0:2], rows[:, 2:4] = centre - size / 2, centre + size / 2
        rows[:, 4:14] = (points[:, MIRRORED_LANDMARKS] if mirror else points).reshape(-1, 10)
        inside = np.all((points > -2) & (points < INPUT + 1), axis=(1, 2))
        visible = inside & (size.max(1) >= SMALLEST_FACE)
        rows[~visible, 14] = -1.0
    table = np.zeros_like(faces)
    table[: len(rows)] = rows
    return view.astype(np.uint8), table


def degrade_scene(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Darkness, contrast, colour casts, blur, noise and JPEG."""
    if rng.random() < 0.7:
        levels = np.arange(256, dtype=np.float32) / 255
        gain = np.exp(rng.normal(-0.1, 0.35)) * np.exp(rng.normal(0, 0.1, 3))
        if rng.random() < 0.12:
            gain *= rng.uniform(0.15, 0.5)
        curve = levels ** np.exp(rng.normal(0, 0.3))
        table = np.clip(255 * curve[:, None] * gain + rng.normal(0, 12), 0, 255).astype(np.uint8)
        image = cv2.LUT(image, np.ascontiguousarray(table[None])).astype(np.uint8)
    if rng.random() < 0.12:
        image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR).astype(np.uint8)
    if rng.random() < 0.15:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.5, 1.8)).astype(np.uint8)
    if rng.random() < 0.2:
        noise = rng.standard_normal((*image.shape[:2], 1), dtype=np.float32) * rng.uniform(2, 14)
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.2:
        done, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 90))])
        if done:
            image = cv2.imdecode(encoded, cv2.IMREAD_COLOR).astype(np.uint8)
    return image


class SceneViews(IterableDataset[tuple[Tensor, Tensor]]):
    """Endless augmented views: 3 x 256 x 256 uint8 and the face table."""

    def __init__(self, work: Path, first: int, seed: int) -> None:
        self.scenes = np.load(work / "scenes.npy", mmap_mode="r")
        self.faces = np.load(work / "scene_faces.npy")
        self.first, self.seed = first, seed

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        cv2.setNumThreads(1)
        torch.set_num_threads(1)
        count = len(self.faces)
        position = self.first
        while True:
            rng = np.random.default_rng([self.seed, position])
            index = int(rng.integers(count))
            view, faces = transform_scene(self.scenes[index], self.faces[index], rng)
            view = degrade_scene(view, rng)
            yield torch.from_numpy(np.ascontiguousarray(view.transpose(2, 0, 1))), torch.from_numpy(faces)
            position += 1


@dataclass(frozen=True)
class Assignment:
    """What the cells of one stride should say; each tensor is N x cells."""

    label: Tensor
    """1: a face; 0: no face; -1: to be ignored."""
    rows: Tensor
    """The row of the face that the cell's box and landmarks are measured against."""
    measured: Tensor
    """Whether they are measured: this holds for far more cells than have the label 1."""


def assign_cells(faces: Tensor, corners: Tensor, stride: int) -> Assignment:
    """A cell belongs to a face in the stride's size range if its corner is near the face's centre.

    faces: N x 24 x 15; corners: cells x 2.
    """
    centre = (faces[..., 0:2] + faces[..., 2:4]) / 2
    size = faces[..., 2:4] - faces[..., 0:2]
    larger = size.amax(-1)
    kind = faces[..., 14]
    low, high = SIZE_RANGES[stride]
    distance = (corners[None, :, None] * stride - centre[:, None]).abs()  # N x cells x faces x 2
    radius = torch.clamp(size * 0.18, min=0.8 * stride)[:, None]
    near = (distance < radius).all(-1)
    wide = (distance < torch.maximum(size[:, None] * 0.32, radius)).all(-1)
    wide = wide & ((kind == 1) & (larger >= 0.7 * low) & (larger < 1.4 * high))[:, None]
    mine = near & ((kind == 1) & (larger >= low) & (larger < high))[:, None]
    # Around these cells, and where another stride answers for the face, "face" is as good an answer as "no face".
    margin = (distance < torch.maximum(size[:, None] * 0.3, radius)).all(-1)
    elsewhere = margin & (kind == 1)[:, None]
    doubtful = (distance < size[:, None] * 0.5).all(-1) & (kind == -1)[:, None]
    squared = distance.square().sum(-1) / size.prod(-1).clamp(min=1.0)[:, None]
    rows = squared.masked_fill(~wide, torch.inf).argmin(-1)
    positive = mine.any(-1)
    ignored = (elsewhere.any(-1) | doubtful.any(-1)) & ~positive
    return Assignment(positive.long() - ignored.long(), rows, wide.any(-1))


def box_loss(predicted: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """(1 - DIoU, IoU) of every predicted box (N x 4) with the wanted one; Zheng et al. 2020, arXiv:1911.08287."""
    corner = torch.maximum(predicted[:, :2], wanted[:, :2])
    opposite = torch.minimum(predicted[:, 2:], wanted[:, 2:])
    shared = (opposite - corner).clamp(min=0).prod(-1)
    areas = [(boxes[:, 2:] - boxes[:, :2]).clamp(min=1e-3).prod(-1) for boxes in (predicted, wanted)]
    overlap = shared / (areas[0] + areas[1] - shared)
    hull = torch.maximum(predicted[:, 2:], wanted[:, 2:]) - torch.minimum(predicted[:, :2], wanted[:, :2])
    gap = (predicted[:, :2] + predicted[:, 2:] - wanted[:, :2] - wanted[:, 2:]) / 2
    return 1 - overlap + gap.square().sum(-1) / hull.square().sum(-1).clamp(min=1e-3), overlap.detach()


def detection_loss(maps: list[Tensor], faces: Tensor, recipe: DetectorRecipe) -> tuple[Tensor, dict[str, float]]:
    """The loss, and its parts by name: objectness on all cells; class (the IoU to expect), box and landmarks on cells
    around the faces. maps: N,16,H/s,W/s for each stride s; faces: N x 24 x 15."""
    objectness = torch.zeros(())
    faces_cells = 1
    parts: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []
    for level, stride in zip(maps, STRIDES, strict=True):
        height, width = level.shape[-2] * stride, level.shape[-1] * stride
        corners = cell_corners(height, width, stride)
        numbers = level.float().permute(0, 2, 3, 1).flatten(1, 2)
        assignment = assign_cells(faces, corners, stride)
        target = (assignment.label == 1).float()
        logits = numbers[..., 1]
        error = (target - torch.sigmoid(logits)).abs()
        focal = error.square() * F.binary_cross_entropy_with_logits(logits, target, reduction="none")
        objectness = objectness + (focal * (assignment.label >= 0)).sum()
        faces_cells = faces_cells + int(target.sum())
        picture, cell = torch.nonzero(assignment.measured, as_tuple=True)
        rows = faces[picture, assignment.rows[picture, cell]]
        chosen = numbers[picture, cell]
        boxes = decode_boxes(chosen[:, 2:6], corners[cell], stride)
        points = (chosen[:, 6:].unflatten(-1, (5, 2)) + corners[cell][:, None]) * stride
        parts.append((chosen[:, 0], boxes, points, rows))
    classes, boxes, points, rows = (torch.cat([part[i] for part in parts]) for i in range(4))
    count = max(len(rows), 1)
    distances, overlap = box_loss(boxes, rows[:, :4])
    quality = F.binary_cross_entropy_with_logits(classes, overlap, reduction="sum") / count
    size = (rows[:, 2:4] - rows[:, 0:2]).prod(-1).sqrt()[:, None, None]
    shifts = (points - rows[:, 4:14].unflatten(-1, (5, 2))) / size
    # Wing-like: nearly linear from half a per cent of the face's size on (Feng et al. 2018, arXiv:1711.06753).
    landmarks = (torch.log1p(shifts.abs() / 0.02) * 0.2).sum((1, 2)) / 10
    losses = {
        "objectness": 4.0 * objectness / faces_cells,
        "quality": 0.5 * quality,
        "box": recipe.box_weight * distances.sum() / count,
        "landmarks": recipe.landmark_weight * landmarks.sum() / count,
    }
    return sum(losses.values(), torch.zeros(())), {name: float(value.detach()) for name, value in losses.items()}


class DetectorTrainer:
    """Owns the model, its average, the optimisers and the files of one run."""

    def __init__(self, recipe: DetectorRecipe, work: Path, run: Path, threads: int) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.work, self.run = recipe, work, run
        self.model = StarterDetector().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizers = make_optimizers(self.model, recipe.lr, recipe.weight_decay)
        self.average = WeightAverage(self.model, recipe.average_decay)
        self.threads = ThreadTuner(threads)
        self.step, self.seconds = 0, 0.0
        run.mkdir(parents=True, exist_ok=True)
        if self.checkpoint.exists():
            state = torch.load(self.checkpoint, weights_only=True)
            self.model.load_state_dict(state["model"])
            self.average.state, self.average.steps = state["average"], state["step"]
            for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
                optimizer.load_state_dict(saved)
            self.step, self.seconds = state["step"], state["seconds"]

    @property
    def checkpoint(self) -> Path:
        return self.run / "checkpoint.pt"

    @property
    def progress(self) -> float:
        if self.recipe.seconds is None:
            return self.step / self.recipe.steps
        return self.seconds / self.recipe.seconds

    def save(self) -> None:
        state = {
            "model": self.model.state_dict(),
            "average": self.average.state,
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "step": self.step,
            "seconds": self.seconds,
        }
        partial = self.checkpoint.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(self.checkpoint)

    def train_batch(self, images: Tensor, faces: Tensor) -> dict[str, float]:
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self.recipe.lr * one_cycle(self.progress)
            optimizer.zero_grad()
        self.model.train()
        pixels = images.to(memory_format=torch.channels_last).float()
        with torch.autocast("cpu", torch.bfloat16):
            maps = self.model(pixels)
        loss, parts = detection_loss(maps, faces, self.recipe)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 10.0)
        for optimizer in self.optimizers:
            optimizer.step()
        self.average.update(self.model)
        self.step += 1
        return parts

    def fit(self, report_every: int, save_every: int) -> None:
        """Train to the end of the recipe, writing `curve.jsonl` and the checkpoint on the way."""
        views = SceneViews(self.work, self.step * self.recipe.batch, self.recipe.seed)
        loader = DataLoader(views, self.recipe.batch, num_workers=1, prefetch_factor=3)
        tick = time.monotonic()
        recent: list[dict[str, float]] = []
        for images, faces in loader:
            if self.progress >= 1:
                break
            with self.threads.timed(key=INPUT):
                recent.append(self.train_batch(images, faces))
            now = time.monotonic()
            self.seconds += now - tick
            tick = now
            done = self.progress >= 1
            if self.step % report_every == 0 or done:
                line = {name: round(float(np.mean([r[name] for r in recent])), 4) for name in recent[0]}
                line = {"step": self.step, "seconds": round(self.seconds), "threads": self.threads.chosen} | line
                recent.clear()
                with (self.run / "curve.jsonl").open("a") as handle:
                    handle.write(json.dumps(line) + "\n")
                print(line, flush=True)
            if self.step % save_every == 0 or done:
                self.save()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder with the scenes")
    parser.add_argument("--run", type=Path, required=True, help="folder of this run; training resumes from it")
    parser.add_argument("--steps", type=int, default=DetectorRecipe.steps)
    parser.add_argument("--seconds", type=float, default=None, help="length of the run in time instead of in steps")
    parser.add_argument("--lr", type=float, default=DetectorRecipe.lr)
    parser.add_argument("--batch", type=int, default=DetectorRecipe.batch)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--report-every", type=int, default=50)
    parser.add_argument("--save-every", type=int, default=300)
    arguments = parser.parse_args()
    recipe = DetectorRecipe(steps=arguments.steps, seconds=arguments.seconds, batch=arguments.batch, lr=arguments.lr)
    trainer = DetectorTrainer(recipe, arguments.work, arguments.run, arguments.threads)
    print(f"{count_parameters(trainer.model):,} parameters, from step {trainer.step}", flush=True)
    trainer.fit(arguments.report_every, arguments.save_every)


if __name__ == "__main__":
    main()
