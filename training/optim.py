"""Muon for convolution and linear kernels, AdamW for the rest, one learning-rate schedule for both.

Muon (Jordan 2024, https://kellerjordan.github.io/posts/muon/) replaces the momentum of a matrix by the nearest
orthogonal matrix, found by five Newton-Schulz steps. The constants of the iteration are the published ones.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)


def orthogonalise(matrix: Tensor, steps: int = 5) -> Tensor:
    """The orthogonal factor of `matrix` (rows x columns), approximately: singular values land in about [0.7, 1.2]."""
    a, b, c = NEWTON_SCHULZ
    x = (matrix / (matrix.norm() + 1e-7)).bfloat16()  # as in the original: the iteration forgives rounding
    tall = x.shape[0] > x.shape[1]
    if tall:
        x = x.T
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.T if tall else x).to(matrix.dtype)


class Muon(torch.optim.Optimizer):
    """Momentum, orthogonalised per kernel, scaled so that an update has the root mean square of an AdamW update."""

    def __init__(
        self, parameters: Iterable[nn.Parameter], lr: float, momentum: float = 0.95, weight_decay: float = 0.05
    ) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                momentum = state.setdefault("momentum", torch.zeros_like(parameter))
                momentum.lerp_(parameter.grad, 1 - group["momentum"])
                update = parameter.grad.lerp(momentum, group["momentum"])
                flat = update.reshape(len(update), -1)
                direction = orthogonalise(flat) * (0.2 * math.sqrt(max(flat.shape)))
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                parameter.add_(direction.reshape(parameter.shape), alpha=-group["lr"])


def make_optimizers(
    model: nn.Module, lr: float, weight_decay: float = 0.05, *, muon: bool = True
) -> list[torch.optim.Optimizer]:
    """Kernels with at least 8 inputs to Muon (if asked), other matrices to AdamW, vectors to AdamW without decay."""
    kernels: list[nn.Parameter] = []
    matrices: list[nn.Parameter] = []
    vectors: list[nn.Parameter] = []
    for parameter in model.parameters():
        if not parameter.requires_grad:
            continue
        if parameter.ndim >= 2 and parameter.shape[0] >= 8 and parameter[0].numel() >= 16:
            kernels.append(parameter)
        elif parameter.ndim >= 2:
            matrices.append(parameter)
        else:
            vectors.append(parameter)
    groups = [{"params": matrices, "weight_decay": weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    if muon:
        return [Muon(kernels, lr, weight_decay=weight_decay), torch.optim.AdamW(groups, lr)]
    groups[0]["params"] = matrices + kernels
    return [torch.optim.AdamW(groups, lr)]


def one_cycle(progress: float, warm_up: float = 0.02, final: float = 0.002) -> float:
    """Learning-rate factor at `progress` in [0, 1]: linear warm-up, then a cosine down to `final`."""
    if progress < warm_up:
        return max(progress / warm_up, 0.02)
    position = min((progress - warm_up) / (1 - warm_up), 1.0)
    return final + (1 - final) * 0.5 * (1 + math.cos(math.pi * position))


class WeightAverage:
    """Exponential moving average of parameters and buffers; the weights that are evaluated and exported."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.steps = 0
        self.state = {name: value.detach().clone() for name, value in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for name, value in model.state_dict().items():
            if value.dtype.is_floating_point:
                self.state[name].lerp_(value, 1 - decay)
            else:
                self.state[name].copy_(value)
