"""The landmark network (recognizer/stages/landmarks.py): an upright 64 x 64 cut of a face to its five landmarks."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from recognizer.stages.landmarks import CUT_TEMPLATE
from training.embedder import ConvNorm, Residual

EYES = float(CUT_TEMPLATE[1, 0] - CUT_TEMPLATE[0, 0])
"""Pixels between the eyes of a face whose first landmarks were right."""


class LandmarkNet(nn.Module):
    """N,3,64,64 BGR 0..255 to N,5,2 in pixels of the cut. Dense convolutions: they cost little on so few pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            ConvNorm(3, 16, stride=2),
            ConvNorm(16, 32, stride=2),
            Residual(32),
            ConvNorm(32, 64, stride=2),
            Residual(64),
            ConvNorm(64, 64, stride=2),
            nn.Flatten(),
        )
        self.points = nn.Linear(64 * 4 * 4, 10)
        nn.init.normal_(self.points.weight, std=0.01)
        nn.init.zeros_(self.points.bias)
        self.register_buffer("template", torch.from_numpy(CUT_TEMPLATE.copy()))

    def forward(self, x: Tensor) -> Tensor:
        features = self.body(x / 64.0 - 2.0)
        shifts = self.points(features.float()).unflatten(1, (5, 2))
        return self.template + EYES * shifts  # type: ignore[no-any-return,operator]


class ExportedLandmarks(nn.Module):
    """N,3,64,64 to N,10."""

    def __init__(self, model: LandmarkNet) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x).flatten(1)  # type: ignore[no-any-return]
