"""The engine's vocabulary: frozen dataclasses with shapes and units on every field.

Words follow ISO/IEC 2382-37 (biometrics) and ISO/IEC 30107 (presentation attacks); CONTRIBUTING names the ones to use.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recognizer.reasons import Reason

Image = NDArray[np.uint8]
"""H x W x 3, BGR, 0..255."""
Vector = NDArray[np.float32]
"""Any float32 array: the shape is named where it is used; (d,) is an embedding of d numbers."""


class LivenessVerdict(StrEnum):
    """Is this a live face (bona fide), or a picture of one held before the camera (attack)?"""

    BONA_FIDE = "bona_fide"
    ATTACK = "attack"
    UNCERTAIN = "uncertain"
    NOT_CHECKED = "not_checked"


class LivenessMode(StrEnum):
    """What a liveness verdict may do to a decision."""

    REQUIRED = "required"
    ADVISORY = "advisory"
    OFF = "off"


class Verdict(StrEnum):
    """Who is this, or is it who they claim to be? PENDING: not decided yet."""

    MATCH = "match"
    NON_MATCH = "non_match"
    ATTACK = "attack"
    UNCERTAIN = "uncertain"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class RecognizerConfig:
    """Everything the engine needs to know; it never reads settings or the environment."""

    models_dir: Path
    pack: str | None = None
    """Name of a pack in the manifest; None: the best installed one in the manifest's order."""
    threads: int = 1
    detection_size: int = 320
    """Longest side, in pixels, of the picture that the detector sees."""
    detection_threshold: float = 0.6
    """Smallest detection_score (0..1) that counts as a face."""
    device: str = "cpu"
    """cpu, cuda or openvino: see recognizer/stages/devices.py."""
    cohort: bool = True
    """False: without the pack's cohort, to build another one or to compare."""


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """(pixel - mean) / std per channel, pixels 0..255 in the order of `colour`, 112 x 112."""

    colour: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """One face that was found in a picture."""

    box_xyxy: Vector
    """(4,) float32: left, top, right, bottom in pixels of the full image; may reach over its border."""
    landmarks: Vector
    """(5, 2) float32 pixels: right eye, left eye (the person's own), nose tip, right and left mouth corner."""
    detection_score: float
    """0..1"""


@dataclass(frozen=True, slots=True)
class Pose:
    """Head pose in degrees. yaw > 0: the person turns to their own left (towards the picture's right)."""

    yaw: float
    pitch: float
    roll: float


@dataclass(frozen=True, slots=True)
class Quality:
    """How usable one face is for recognition (stages/quality.py)."""

    score: float
    """0..1, 1 is best."""
    reasons: tuple[Reason, ...]
    """The most important first; empty: good enough."""
    pose: Pose
    face_size: float
    """Shorter side of the box in pixels."""
    inter_eye_distance: float
    """Pixels."""
    brightness: float
    """Mean luma of the aligned crop, 0..255."""
    contrast: float
    """Standard deviation of the luma of the aligned crop."""
    sharpness: float
    """Variance of the Laplacian of the aligned crop."""


@dataclass(frozen=True, slots=True)
class Liveness:
    """What the pictures say about whether a face is live."""

    verdict: LivenessVerdict = LivenessVerdict.NOT_CHECKED
    score: float | None = None
    """liveness_score: 0 (attack) .. 1 (bona fide)."""
    surrounded: bool = True
    """The picture shows enough around the face. Where it does not, a high score shows nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One face of one image."""

    detection: Detection
    aligned: Image
    """(112, 112, 3) uint8 BGR, on the ArcFace template."""
    quality: Quality
    embedding: Vector | None = None
    """(d,) float32, L2-normalised; None when it was not asked for."""
    liveness: Liveness = field(default_factory=Liveness)


@dataclass(frozen=True, slots=True, eq=False)
class AnalyzedImage:
    image_size: tuple[int, int]
    """width, height in pixels."""
    faces: tuple[Face, ...]
    """Largest face first."""
    timings_ms: Mapping[str, float]
    """Stage (decode, detect, align, liveness, embed, total) to milliseconds."""


class Candidate(NamedTuple):
    """The best template of one person for a probe. No dataclass: a frozen one takes nearly twice as long to make."""

    person_id: str
    template_id: int
    comparison_score: float
    """Cosine, -1..1."""


@dataclass(frozen=True, slots=True)
class DecisionPolicy:
    """What turns comparison scores and liveness into a verdict."""

    match_threshold: float
    """match needs comparison_score >= this (inclusive)."""
    uncertain_threshold: float
    """Below this: non_match. Between the two: uncertain."""
    fmr: float
    """False-match rate per comparison that match_threshold stands for."""
    min_margin: float = 0.05
    """1:N only: the best person must lead the runner-up by this much, else uncertain."""
    liveness: LivenessMode = LivenessMode.REQUIRED
    frames_needed: int = 3
    """Agreeing frames that settle a track at once."""
    frames_limit: int = 8
    """A track this many frames old is decided with what there is. Frames skipped under load count."""
    thresholds: tuple[tuple[float, float], ...] = ()
    """(false-match rate, match threshold) of the pack: a search of a large gallery takes a stricter one from here."""
    may_search: bool = True
    """False: nobody has measured what the pack's thresholds stand for, so 1:N names nobody (Pack.may_search)."""
    population: str = ""
    """What fmr was measured on, to stand behind it: "on LFW". No page shows the one without the other."""
