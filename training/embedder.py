"""The starter embedder: a small residual network for aligned 112 x 112 faces.

Dense 3 x 3 convolutions instead of depthwise ones: on a CPU with bf16 dot products they train twice as fast at the
same number of parameters, and the picture shrinks to 28 x 28 within two layers, where MobileFaceNet keeps 56 x 56.
The head is MobileFaceNet's: a 1 x 1 expansion and a global depthwise convolution (Chen et al. 2018, arXiv:1804.07573).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

EMBEDDING_DIMENSION = 512
INPUT_SIZE = 112
FINAL_GRID = 7  # 112 / 16


@dataclass(frozen=True)
class EmbedderShape:
    """Widths and depths of the network; the defaults are the shipped ones (1.2 M parameters)."""

    stem: int = 24
    widths: tuple[int, ...] = (48, 96, 128)
    depths: tuple[int, ...] = (1, 3, 1)
    expansion: int = 384
    code: int = 192  # the teacher's 512 numbers span 192 dimensions exactly: the student learns those

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


class ConvNorm(nn.Sequential):
    """Convolution and batch normalisation, with a ReLU unless `activate` is false."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, *, activate: bool = True) -> None:
        layers: list[nn.Module] = [
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(outputs),
        ]
        if activate:
            layers.append(nn.ReLU(inplace=True))
        super().__init__(*layers)


class Residual(nn.Module):
    """Two 3 x 3 convolutions beside an identity path; the second one starts as zero."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = ConvNorm(width, width)
        self.second = ConvNorm(width, width, activate=False)
        nn.init.zeros_(self.second[1].weight)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.second(self.first(x)))


class GlobalDepthwise(nn.Module):
    """One learned weight per channel and place; smaller inputs (the curriculum) use the resized weights."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((1, channels, FINAL_GRID, FINAL_GRID), 1.0 / FINAL_GRID**2))
        self.norm = nn.BatchNorm1d(channels)

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight
        if x.shape[-1] != FINAL_GRID:
            weight = F.interpolate(weight, size=x.shape[-2:], mode="bilinear", align_corners=False)
            weight = weight * (FINAL_GRID**2 / (x.shape[-1] * x.shape[-2]))
        return self.norm((x.float() * weight).sum(dim=(2, 3)))


class StarterEmbedder(nn.Module):
    """N,3,112,112 RGB in [-1, 1] to N,192 (training) or N,512 (`expand`); neither is L2-normalised."""

    def __init__(self, shape: EmbedderShape | None = None) -> None:
        super().__init__()
        self.shape = shape or EmbedderShape()
        layers: list[nn.Module] = [ConvNorm(3, self.shape.stem, stride=2)]
        width = self.shape.stem
        for next_width, depth in zip(self.shape.widths, self.shape.depths, strict=True):
            layers.append(ConvNorm(width, next_width, stride=2))
            layers.extend(Residual(next_width) for _ in range(depth))
            width = next_width
        layers.append(ConvNorm(width, self.shape.expansion, kernel=1))
        self.body = nn.Sequential(*layers)
        self.pool = GlobalDepthwise(self.shape.expansion)
        self.code = nn.Linear(self.shape.expansion, self.shape.code, bias=False)
        self.code_norm = nn.BatchNorm1d(self.shape.code, affine=False)
        self.code_scale = nn.Parameter(torch.ones(self.shape.code))
        self.code_shift = nn.Parameter(torch.zeros(self.shape.code))
        self.register_buffer("basis", torch.zeros(self.shape.code, EMBEDDING_DIMENSION))

    def forward(self, x: Tensor) -> Tensor:
        pooled = self.pool(self.body(x)).float()
        return self.code_norm(self.code(pooled)) * self.code_scale + self.code_shift

    def expand(self, x: Tensor) -> Tensor:
        """The product's embedding: the code in the teacher's 512 coordinates (`basis` has orthonormal rows)."""
        return self.forward(x) @ self.basis  # type: ignore[operator]


class ExportedEmbedder(nn.Module):
    """What goes into the ONNX file: N,3,112,112 in, shrunk to the size of the last training stage, N,512 out.

    With `mirror` the embedding is the sum of the picture's and its mirror image's unit embeddings: the usual test-time
    augmentation, done inside the file.
    """

    def __init__(self, model: StarterEmbedder, size: int, *, mirror: bool) -> None:
        super().__init__()
        self.model, self.size, self.mirror = model, size, mirror

    def forward(self, x: Tensor) -> Tensor:
        if self.size != INPUT_SIZE:
            x = F.interpolate(x, size=(self.size, self.size), mode="bilinear", align_corners=False)
        if not self.mirror:
            return self.model.expand(x)
        code, mirrored = self.model(x), self.model(torch.flip(x, [3]))
        both = F.normalize(code, dim=1) + F.normalize(mirrored, dim=1)
        return both @ self.model.basis  # type: ignore[no-any-return]


def count_parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())
