"""The check network (recognizer/stages/checks.py): an aligned crop at half its sides to two answers."""

from __future__ import annotations

from torch import Tensor, nn

from training.embedder import ConvNorm, Residual


class CheckNet(nn.Module):
    """N,3,56,56 BGR 0..255 to N,2 logits: the face is turned, the mouth is covered."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            ConvNorm(3, 16, stride=2),
            ConvNorm(16, 32, stride=2),
            Residual(32),
            ConvNorm(32, 48, stride=2),
            Residual(48),
            ConvNorm(48, 64, stride=2),
            nn.Flatten(),
            nn.Dropout(0.1),
        )
        self.answers = nn.Linear(64 * 4 * 4, 2)
        nn.init.normal_(self.answers.weight, std=0.01)
        nn.init.zeros_(self.answers.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.answers(self.body(x / 64.0 - 2.0).float())  # type: ignore[no-any-return]


class ExportedChecks(nn.Module):
    """N,3,56,56 to N,2 probabilities."""

    def __init__(self, model: CheckNet) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x).sigmoid()  # type: ignore[no-any-return]
