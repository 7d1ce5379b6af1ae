"""Step 3: distil the teacher into the starter embedder. Resumes by itself from `--run`."""

from __future__ import annotations

import argparse
import itertools
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, Sampler

from training.augment import AugmentStrength, augment_crop
from training.embedder import EmbedderShape, StarterEmbedder, count_parameters
from training.optim import WeightAverage, make_optimizers, one_cycle
from training.pairs import embed_crops, load_eval_crops, score_embeddings
from training.prepare_crops import HELD_OUT_EVERY, training_indices
from training.threads import ThreadTuner


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a run. `stages` are (share of the run, input side, augmentation strength).

    With `seconds` the run takes that long and `steps` is ignored: on a shared machine nobody knows the steps per minute
    beforehand. Without `seconds` the run is reproducible.
    """

    steps: int = 12500
    seconds: float | None = None
    batch: int = 192
    lr: float = 4e-3
    weight_decay: float = 0.05
    muon: bool = True
    similarity_weight: float = 20.0
    bank_weight: float = 1.0
    bank_size: int = 2048
    bank_temperature: float = 0.1
    average_decay: float = 0.998
    stages: tuple[tuple[float, int, float], ...] = (
        (0.8, 80, 0.6),
        (0.2, 80, 0.4),
    )
    seed: int = 20

    def stage(self, progress: float) -> tuple[int, float]:
        """Input side and augmentation strength at `progress` in [0, 1]."""
        end = 0.0
        for share, size, strength in self.stages:
            end += share
            if progress < end:
                return size, strength
        return self.stages[-1][1:]


@dataclass
class Clock:
    """How far a run is."""

    recipe: Recipe
    step: int = 0
    seconds: float = 0.0

    @property
    def progress(self) -> float:
        if self.recipe.seconds is None:
            return self.step / self.recipe.steps
        return self.seconds / self.recipe.seconds


@dataclass(frozen=True)
class View:
    """One crop to augment: its index, the side of the view, the strength, and the seed of the random numbers."""

    index: int
    size: int
    strength: float
    seed: int


class ViewSampler(Sampler[list[View]]):
    """Batches from the clock's step on, each epoch in its own order. A resumed run gets the same batches."""

    def __init__(self, indices: NDArray[np.int64], clock: Clock) -> None:
        self.indices, self.clock, self.recipe = indices, clock, clock.recipe

    def __iter__(self) -> Iterator[list[View]]:
        per_epoch = len(self.indices) // self.recipe.batch
        for step in itertools.count(self.clock.step):
            epoch, position = divmod(step, per_epoch)
            order = np.random.default_rng([self.recipe.seed, epoch]).permutation(self.indices)
            chosen = order[position * self.recipe.batch : (position + 1) * self.recipe.batch]
            size, strength = self.recipe.stage(
                step / self.recipe.steps if self.recipe.seconds is None else self.clock.progress
            )
            yield [View(int(index), size, strength, step) for index in chosen]


class CropViews(Dataset[tuple[Tensor, int]]):
    """Augmented views, size x size x 3 uint8, and the face's index: the crops first, then the morphs."""

    def __init__(self, crops: NDArray[np.uint8], morphs: NDArray[np.uint8], seed: int) -> None:
        self.crops, self.morphs, self.seed = crops, morphs, seed

    def __getitem__(self, view: View) -> tuple[Tensor, int]:
        rng = np.random.default_rng([self.seed, view.seed, view.index])
        beyond = view.index - len(self.crops)
        face = self.crops[view.index] if beyond < 0 else self.morphs[beyond]
        image = augment_crop(face, view.size, AugmentStrength().scaled(view.strength), rng)
        return torch.from_numpy(image), view.index


def quiet_worker(_: int) -> None:
    cv2.setNumThreads(1)
    torch.set_num_threads(1)


def resize_crops(crops: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """N x side x side x 3 to N x size x size x 3."""
    if crops.shape[1] == size:
        return crops
    return np.stack([cv2.resize(crop, (size, size), interpolation=cv2.INTER_AREA) for crop in crops]).astype(np.uint8)


def normalise_pixels(images: Tensor) -> Tensor:
    """N,H,W,3 uint8 to N,3,H,W float in [-1, 1], channels last in memory."""
    return images.permute(0, 3, 1, 2).float().sub_(127.5).div_(127.5)


def distillation_loss(codes: Tensor, targets: Tensor, bank: Tensor, recipe: Recipe) -> tuple[Tensor, Tensor]:
    """(loss, mean cosine) of codes (N x 192) to targets (N x 192, unit length); bank: M x 192, more targets.

    The loss has three parts: 1 - cosine to the target; the squared error of the batch's similarity matrix; and how well
    the student picks its own target among `bank`, against how well the target itself does (a soft cross entropy).
    """
    unit = F.normalize(codes, dim=1)
    cosine = (unit * targets).sum(1).mean()
    error = unit @ unit.T - targets @ targets.T
    off_diagonal = error.square().sum() / (len(unit) * (len(unit) - 1))
    loss = 1 - cosine + recipe.similarity_weight * off_diagonal
    if recipe.bank_weight:
        candidates = torch.cat([targets, bank])
        wanted = F.softmax(targets @ candidates.T / recipe.bank_temperature, dim=1)
        logits = unit @ candidates.T / recipe.bank_temperature
        divergence = F.kl_div(F.log_softmax(logits, dim=1), wanted, reduction="batchmean")
        loss = loss + recipe.bank_weight * divergence
    return loss, cosine.detach()


class Trainer:
    """Owns the model, its average, the optimisers and the files of one run."""

    def __init__(self, recipe: Recipe, work: Path, run: Path, evaluation: Path | None, threads: int) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.run, self.evaluation = recipe, run, evaluation
        self.crops = np.load(work / "crops.npy", mmap_mode="r")
        self.morphs = np.load(work / "morphs.npy", mmap_mode="r")
        self.basis = torch.from_numpy(np.load(work / "basis.npy"))
        targets = np.concatenate([np.load(work / "teacher.npy"), np.load(work / "morph_teacher.npy")])
        self.targets = F.normalize(torch.from_numpy(targets) @ self.basis.T, dim=1)
        self.model = StarterEmbedder(EmbedderShape()).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.model.basis.copy_(self.basis)
        self.optimizers = make_optimizers(self.model, recipe.lr, recipe.weight_decay, muon=recipe.muon)
        self.average = WeightAverage(self.model, recipe.average_decay)
        self.clock = Clock(recipe)
        self.threads = ThreadTuner(threads)
        self.run.mkdir(parents=True, exist_ok=True)
        self._resume()

    @property
    def checkpoint(self) -> Path:
        return self.run / "checkpoint.pt"

    def _resume(self) -> None:
        (self.run / "recipe.json").write_text(json.dumps(asdict(self.recipe), indent=2))
        if not self.checkpoint.exists():
            return
        state = torch.load(self.checkpoint, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.average.state, self.average.steps = state["average"], state["average_steps"]
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.clock.step, self.clock.seconds = state["step"], state["seconds"]

    def save(self) -> None:
        state = {
            "model": self.model.state_dict(),
            "average": self.average.state,
            "average_steps": self.average.steps,
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "step": self.clock.step,
            "seconds": self.clock.seconds,
        }
        partial = self.checkpoint.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(self.checkpoint)

    def train_batch(self, images: Tensor, indices: Tensor) -> tuple[float, float]:
        factor = one_cycle(self.clock.progress)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self.recipe.lr * factor
            optimizer.zero_grad()
        self.model.train()
        with torch.autocast("cpu", torch.bfloat16):
            codes = self.model(normalise_pixels(images))
        generator = torch.Generator().manual_seed(self.clock.step)
        bank = self.targets[torch.randint(len(self.targets), (self.recipe.bank_size,), generator=generator)]
        loss, cosine = distillation_loss(codes.float(), self.targets[indices], bank, self.recipe)
        loss.backward()
        for optimizer in self.optimizers:
            optimizer.step()
        self.average.update(self.model)
        self.clock.step += 1
        return float(loss.detach()), float(cosine)

    def evaluate(self, size: int) -> dict[str, float]:
        """Held-out cosine to the teacher and, where the pictures are, LFW-type accuracy of the averaged weights."""
        model = StarterEmbedder(self.model.shape).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        model.load_state_dict(self.average.state)
        model.eval()

        def embed(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
            with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
                codes = model(torch.from_numpy(pixels).to(memory_format=torch.channels_last))
            return np.asarray(codes.float().numpy(), np.float32)

        held_out_crops = resize_crops(self.crops[::HELD_OUT_EVERY], size)
        held_out = F.normalize(torch.from_numpy(embed_crops(embed, held_out_crops)), dim=1)
        targets = self.targets[: len(self.crops) : HELD_OUT_EVERY]
        measures = {"held_out_cosine": float((held_out * targets).sum(1).mean())}
        if self.evaluation is not None:
            names, faces = load_eval_crops(self.evaluation)
            scores = score_embeddings(self.evaluation, names, embed_crops(embed, resize_crops(faces, size)))
            measures |= {"lfw_accuracy": scores.accuracy, "tar_at_1e-3": scores.rates[1e-3][1]}
        return measures

    def fit(self, report_every: int, evaluate_every: int) -> None:
        """Train to the end of the recipe, writing `curve.jsonl` and the checkpoint on the way."""
        morphs = np.arange(len(self.crops), len(self.targets))
        indices = np.concatenate([training_indices(len(self.crops)), morphs])
        loader = DataLoader(
            CropViews(self.crops, self.morphs, self.recipe.seed),
            batch_sampler=ViewSampler(indices, self.clock),
            num_workers=1,
            prefetch_factor=3,
            worker_init_fn=quiet_worker,
        )
        tick = time.monotonic()
        results: list[tuple[float, float]] = []
        for images, chosen in loader:
            if self.clock.progress >= 1:
                break
            with self.threads.timed(key=int(images.shape[1])):
                results.append(self.train_batch(images, chosen))
            now = time.monotonic()
            self.clock.seconds += now - tick
            tick = now
            done = self.clock.progress >= 1
            if self.clock.step % report_every == 0 or done:
                evaluate = self.clock.step % evaluate_every == 0 or done
                self.report(results, int(images.shape[1]), evaluate=evaluate)
                results.clear()
                tick = time.monotonic()

    def report(self, results: list[tuple[float, float]], size: int, *, evaluate: bool) -> None:
        loss, cosine = np.mean(results, 0)
        line: dict[str, float] = {
            "step": self.clock.step,
            "samples": self.clock.step * self.recipe.batch,
            "seconds": round(self.clock.seconds),
            "size": size,
            "threads": self.threads.chosen,
            "loss": float(loss),
            "cosine": float(cosine),
        }
        if evaluate:
            line |= self.evaluate(size)
        self.save()
        line = {key: round(value, 4) for key, value in line.items()}
        with (self.run / "curve.jsonl").open("a") as handle:
            handle.write(json.dumps(line) + "\n")
        print(line, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder that step 1 filled")
    parser.add_argument("--run", type=Path, required=True, help="folder of this run; training resumes from it")
    parser.add_argument("--eval", type=Path, default=None, help="../shared/faces/eval, for the curve")
    parser.add_argument("--steps", type=int, default=Recipe.steps)
    parser.add_argument("--seconds", type=float, default=None, help="length of the run in time instead of in steps")
    parser.add_argument("--lr", type=float, default=Recipe.lr)
    parser.add_argument("--adamw", action="store_true", help="AdamW for every parameter instead of Muon")
    parser.add_argument("--batch", type=int, default=Recipe.batch)
    parser.add_argument("--bank-weight", type=float, default=Recipe.bank_weight)
    parser.add_argument("--similarity-weight", type=float, default=Recipe.similarity_weight)
    parser.add_argument("--size", type=int, default=None, help="one input side for the whole run")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--report-every", type=int, default=50)
    parser.add_argument("--evaluate-every", type=int, default=400)
    arguments = parser.parse_args()
    stages = Recipe.stages if arguments.size is None else ((1.0, arguments.size, 1.0),)
    recipe = Recipe(
        steps=arguments.steps,
        seconds=arguments.seconds,
        batch=arguments.batch,
        lr=arguments.lr,
        muon=not arguments.adamw,
        bank_weight=arguments.bank_weight,
        similarity_weight=arguments.similarity_weight,
        stages=stages,
    )
    trainer = Trainer(recipe, arguments.work, arguments.run, arguments.eval, arguments.threads)
    print(f"{count_parameters(trainer.model):,} parameters, from step {trainer.clock.step}", flush=True)
    trainer.fit(arguments.report_every, arguments.evaluate_every)


if __name__ == "__main__":
    main()
