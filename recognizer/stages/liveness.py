"""Presentation attack detection: a live face, or a photograph or screen held before the camera?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Protocol, cast

import cv2

from recognizer.stages.sessions import Session
from recognizer.types import Detection, Image, Liveness, LivenessVerdict, Vector

INPUT_SIDE = 80
REAL_CLASS = 1
"""The live one of MiniFASNet's three classes; 0 and 2 are kinds of attacks."""
ATTACK_BELOW = 0.5
BONA_FIDE_FROM = 0.7
"""Liveness scores in between are uncertain.

Measured on ../shared/faces/webcam, frame by frame: three live people 0.98 to 1.00 (115 frames), a printed photograph
0.09 to 0.46, a tablet's screen 0.00 to 0.01 (30 frames each). Stills (../shared/models/PROVENANCE.md): 7 live at least
0.997, 7 attacks at most 0.55. These are far too few for error rates. Poor pictures of live people may have any score:
two_faces, enlarged from a small GIF, 0.19 to 0.98; the eval pictures of LFW 0.01 to 1."""
SURROUNDINGS_NEEDED = 1.6
"""How many face boxes the picture must have room for, side by side, before it can show a live face.

The models judge by what surrounds the face. A tablet whose edges are out of view has nothing that gives it away, and
close to it scores reach 0.96. The rule stops a screen that is filled by a face, and no more: a replay of somebody at
arm's length brings their surroundings along, and passes where the screen's edges are out of view. Filmed so (composed
re-shots, docs/liveness.md), half pass at room for 2 boxes, most from 2.4 on. Live people have room for 2.5 to 3.
"""


class LivenessChecker(Protocol):
    def check(self, image: Image, detection: Detection) -> Liveness:
        """Judge one face of the full H x W x 3 uint8 BGR picture."""


@dataclass(frozen=True, slots=True)
class ScaledModel:
    session: Session
    crop_scale: float
    """How many face boxes wide and high the model's crop is."""


class MiniFasNet:
    """The pair of minivision's Silent-Face-Anti-Spoofing: two crops of different width, the scores averaged."""

    def __init__(self, models: Sequence[ScaledModel]) -> None:
        self._models = tuple(models)

    def check(self, image: Image, detection: Detection) -> Liveness:
        """Judge one face of the full H x W x 3 uint8 BGR picture by the mean score of the models."""
        score = fmean(self._score(model, image, detection) for model in self._models)
        surrounded = surroundings_of(image, detection.box_xyxy) >= SURROUNDINGS_NEEDED
        return Liveness(verdict_for(score, surrounded=surrounded), score, surrounded)

    def _score(self, model: ScaledModel, image: Image, detection: Detection) -> float:
        blob = cv2.dnn.blobFromImage(crop_for_liveness(image, detection.box_xyxy, model.crop_scale))
        name = model.session.get_inputs()[0].name
        logits = cast(Vector, model.session.run(None, {name: blob})[0])[0].tolist()
        # Few numpy calls on purpose: behind a model the processor's caches are cold, and each costs tens of us.
        weights = [math.exp(logit - max(logits)) for logit in logits]
        return weights[REAL_CLASS] / sum(weights)


def verdict_for(score: float, *, surrounded: bool = True) -> LivenessVerdict:
    """What a liveness score (0..1) means.

    surrounded False: the face fills the picture. That can show an attack, but never a live face.
    """
    if score >= BONA_FIDE_FROM:
        return LivenessVerdict.BONA_FIDE if surrounded else LivenessVerdict.UNCERTAIN
    return LivenessVerdict.ATTACK if score < ATTACK_BELOW else LivenessVerdict.UNCERTAIN


def surroundings_of(image: Image, box_xyxy: Vector) -> float:
    """How many times a face's box (4,) fits into its H x W x 3 picture, across or down, wherever there is less room."""
    height, width = image.shape[:2]
    left, top, right, bottom = box_xyxy.tolist()
    fits = min((height - 1) / max(bottom - top, 1.0), (width - 1) / max(right - left, 1.0))
    return float(fits)


def crop_for_liveness(image: Image, box_xyxy: Vector, scale: float) -> Image:
    """A face with its surroundings, (80, 80, 3) uint8 BGR: `scale` times its box (4,), shrunk and shifted to fit.

    Exactly what the models were trained on: CropImage in minivision's src/generate_patches.py.
    """
    height, width = image.shape[:2]
    left, top, right, bottom = box_xyxy.tolist()
    box_width, box_height = max(right - left, 1.0), max(bottom - top, 1.0)
    scale = min(surroundings_of(image, box_xyxy), scale)
    x1, x2 = _fit((left + right) / 2, box_width * scale, width - 1)
    y1, y2 = _fit((top + bottom) / 2, box_height * scale, height - 1)
    return cast(Image, cv2.resize(image[y1 : y2 + 1, x1 : x2 + 1], (INPUT_SIDE, INPUT_SIDE)))


def _fit(centre: float, length: float, last: int) -> tuple[int, int]:
    """An interval of that length around the centre, shifted into 0..last."""
    start = min(max(centre - length / 2, 0.0), max(last - length, 0.0))
    return int(start), int(min(start + length, last))
