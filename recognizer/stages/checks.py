"""Two questions about a face that neither landmarks nor measures answer: is it turned, is its mouth covered?

A pack may have a small network for them (training/checks.py). Its input is `input`, (n, 3, 56, 56) float32 BGR 0..255:
the aligned crop at half its sides. Its output `answers`, (n, 2) float32: the shares of "turned" and "mouth covered".
A face that stands on its head is found by YuNet as if it were upright: then the aligned crop stands on its head.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import cv2

from recognizer.stages.sessions import Session
from recognizer.types import Image

INPUT_SIDE = 56
"""Half the side of the aligned crop."""


@dataclass(frozen=True, slots=True)
class FaceChecks:
    """What the network says of one face; 0 where a pack has none."""

    turned: float = 0.0
    """0..1: the crop shows a face on its side or on its head."""
    mouth_hidden: float = 0.0
    """0..1: a mask, a scarf or a hand covers the mouth."""


NOT_CHECKED = FaceChecks()


class FaceChecker:
    """The pack's check network, applied to aligned crops."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._input = session.get_inputs()[0].name

    def check(self, aligned: Image) -> FaceChecks:
        """aligned: (112, 112, 3) uint8 BGR."""
        small = cv2.resize(aligned, (INPUT_SIDE, INPUT_SIDE), interpolation=cv2.INTER_AREA)
        turned, hidden = cast(list[float], self._session.run(None, {self._input: cv2.dnn.blobFromImage(small)})[0][0])
        return FaceChecks(float(turned), float(hidden))
