"""The loop of a short training run: schedule, steps, averaged weights, a line of the curve now and then."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from training.embedder import count_parameters
from training.optim import WeightAverage, make_optimizers, one_cycle

Net = TypeVar("Net", bound=nn.Module)


class Recipe(Protocol):
    """What every recipe of a short run says."""

    @property
    def steps(self) -> int: ...
    @property
    def lr(self) -> float: ...
    @property
    def weight_decay(self) -> float: ...
    @property
    def average_decay(self) -> float: ...
    @property
    def seed(self) -> int: ...


def run_steps(
    make: Callable[[], Net],
    batches: Iterable[tuple[Tensor, Tensor]],
    loss_of: Callable[[Net, Tensor, Tensor], Tensor],
    measure: Callable[[Net], dict[str, float]],
    *,
    recipe: Recipe,
    run: Path,
    report_every: int,
) -> None:
    """Train a new network for `recipe.steps` batches and keep the averaged weights in `run`.

    loss_of: (network in training mode, images N,C,H,W uint8, answers) -> one number. measure: what the curve says of
    the averaged weights.
    """
    torch.manual_seed(recipe.seed)
    model = make().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    print(f"{count_parameters(model):,} parameters", flush=True)
    optimizers = make_optimizers(model, recipe.lr, recipe.weight_decay)
    average = WeightAverage(model, recipe.average_decay)
    run.mkdir(parents=True, exist_ok=True)
    begun, losses = time.monotonic(), []
    for step, (images, answers) in zip(range(1, recipe.steps + 1), batches, strict=False):
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = recipe.lr * one_cycle(step / recipe.steps)
            optimizer.zero_grad()
        loss = loss_of(model.train(), images, answers)
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
        average.update(model)
        losses.append(float(loss.detach()))
        if step % report_every == 0 or step == recipe.steps:
            averaged = make()
            averaged.load_state_dict(average.state)
            line = {
                "step": step,
                "seconds": round(time.monotonic() - begun),
                "loss": round(float(np.mean(losses)), 4),
                **measure(averaged),
            }
            losses.clear()
            print(line, flush=True)
            with (run / "curve.jsonl").open("a") as handle:
                handle.write(json.dumps(line) + "\n")
            torch.save({"average": average.state}, run / "checkpoint.pt")
