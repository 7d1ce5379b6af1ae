"""The starter detector: boxes and five landmarks at strides 8, 16 and 32, with YuNet's input and outputs.

Contract (Wu et al. 2023, "YuNet: a tiny millisecond-level face detector"; libfacedetection.train): input N,3,H,W BGR
0..255 with H and W multiples of 32. For each stride s, H/s * W/s cells in row order: `cls_s` and `obj_s` (N,cells,1,
probabilities; the score is sqrt(cls * obj)), `bbox_s` (N,cells,4) and `kps_s` (N,cells,10). With the cell's corner
(x, y) = (column, row): centre = (x + b0, y + b1) * s, size = exp(b2, b3) * s, landmark k = (x + k0, y + k1) * s.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

STRIDES = (8, 16, 32)
MIRRORED_LANDMARKS = [1, 0, 2, 4, 3]
PIXEL_SCALE = 1.0 / 64.0  # 0..255 to about [-2, 2]; folded into the first convolution at export


class ConvNorm(nn.Sequential):
    """Convolution, batch normalisation, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class Separable(nn.Module):
    """Depthwise 3 x 3, then 1 x 1; with an identity path where the shapes allow it."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.identity = inputs == outputs and stride == 1
        self.depthwise = nn.Sequential(
            nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False), nn.BatchNorm2d(inputs)
        )
        self.pointwise = nn.Sequential(nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        y = self.pointwise(F.relu(self.depthwise(x)))
        return F.relu(x + y if self.identity else y)


class StarterDetector(nn.Module):
    """N,3,H,W BGR 0..255 to one N,16,H/s,W/s map per stride: cls and obj logits, 4 box and 10 landmark numbers."""

    def __init__(self, widths: tuple[int, int, int] = (64, 80, 96), neck: int = 48) -> None:
        super().__init__()
        near, middle, far = widths
        self.stem = nn.Sequential(ConvNorm(3, 16, stride=2), ConvNorm(16, 32, stride=2), ConvNorm(32, 48, stride=2))
        self.stage8 = nn.Sequential(Separable(48, near), Separable(near, near))
        self.stage16 = nn.Sequential(Separable(near, middle, 2), Separable(middle, middle), Separable(middle, middle))
        self.stage32 = nn.Sequential(Separable(middle, far, 2), Separable(far, far), Separable(far, far))
        self.laterals = nn.ModuleList(ConvNorm(width, neck, 1) for width in widths)
        self.smooth = nn.ModuleList(Separable(neck, neck) for _ in widths)
        self.heads = nn.ModuleList(
            nn.Sequential(nn.Conv2d(neck, neck, 3, padding=1, groups=neck, bias=False), nn.Conv2d(neck, 16, 1))
            for _ in widths
        )
        for head in self.heads:
            final = head[1]  # type: ignore[index]
            nn.init.normal_(final.weight, std=0.01)
            nn.init.zeros_(final.bias)
            with torch.no_grad():
                final.bias[1] = -4.0  # faces are rare: start with low objectness (Lin et al. 2017, focal loss)
                final.bias[2:4] = 0.5  # the centre of a cell
                final.bias[4:6] = 1.0
                final.bias[6:] = 0.5

    def forward(self, x: Tensor) -> list[Tensor]:
        c8 = self.stage8(self.stem(x * PIXEL_SCALE - 2.0))
        c16 = self.stage16(c8)
        c32 = self.stage32(c16)
        p32 = self.smooth[2](self.laterals[2](c32))
        p16 = self.smooth[1](self.laterals[1](c16) + F.interpolate(p32, scale_factor=2.0, mode="nearest"))
        p8 = self.smooth[0](self.laterals[0](c8) + F.interpolate(p16, scale_factor=2.0, mode="nearest"))
        return [head(p) for head, p in zip(self.heads, (p8, p16, p32), strict=True)]


SCORE_POWER = 1.43
"""Turns a score of 0.7 into 0.6. This detector should be read at 0.7 and YuNet at 0.6: so one threshold serves both."""


class ExportedDetector(nn.Module):
    """The twelve outputs of the contract, in YuNet's order."""

    def __init__(self, model: StarterDetector) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        levels = [m.permute(0, 2, 3, 1).flatten(1, 2) for m in self.model(x)]
        classes = [torch.sigmoid(level[..., 0:1]) ** SCORE_POWER for level in levels]
        objects = [torch.sigmoid(level[..., 1:2]) ** SCORE_POWER for level in levels]
        boxes = [level[..., 2:6] for level in levels]
        return (*classes, *objects, *boxes, *(level[..., 6:16] for level in levels))


OUTPUT_NAMES = [f"{kind}_{stride}" for kind in ("cls", "obj", "bbox", "kps") for stride in STRIDES]


def cell_corners(height: int, width: int, stride: int) -> Tensor:
    """Cells x 2: column and row of every cell of a map of one stride, in row order."""
    rows, columns = torch.meshgrid(torch.arange(height // stride), torch.arange(width // stride), indexing="ij")
    return torch.stack([columns, rows], -1).reshape(-1, 2).float()


def decode_boxes(numbers: Tensor, corners: Tensor, stride: int) -> Tensor:
    """... x 4 raw box numbers to x1, y1, x2, y2 in pixels."""
    centre = (corners + numbers[..., :2]) * stride
    half = torch.exp(numbers[..., 2:4].clamp(max=5.0)) * (stride / 2)
    return torch.cat([centre - half, centre + half], -1)


def decode_landmarks(numbers: Tensor, corners: Tensor, stride: int) -> Tensor:
    """... x 10 raw numbers to ... x 5 x 2 in pixels."""
    points = numbers.unflatten(-1, (5, 2))
    return (points + corners[..., None, :]) * stride
