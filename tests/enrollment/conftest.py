"""Drafts for tests that are about storing and searching, not about faces: random crops and random unit vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from enrollment.drafts import SampleDraft
from enrollment.gallery import reset_gallery
from recognizer.types import Pose, Quality, Vector

CONTRACT = "test-space:8"
DIMENSION = 8
QUALITY = Quality(
    score=0.7,
    reasons=(),
    pose=Pose(1.0, 2.0, 3.0),
    face_size=120.0,
    inter_eye_distance=50.0,
    brightness=120.0,
    contrast=50.0,
    sharpness=300.0,
)


@pytest.fixture(autouse=True)
def _fresh_gallery():
    reset_gallery()
    yield
    reset_gallery()


def unit_vector(seed: int, dimension: int = DIMENSION) -> Vector:
    vector = np.random.default_rng(seed).normal(size=dimension).astype(np.float32)
    return vector / np.linalg.norm(vector)


@pytest.fixture
def make_draft() -> Callable[..., SampleDraft]:
    """make_draft(seed, **changes): another seed is another picture and another face."""

    def make(seed: int, **changes) -> SampleDraft:
        values: dict[str, Any] = {
            "aligned": np.random.default_rng(seed).integers(0, 256, (112, 112, 3), dtype=np.uint8),
            "embedding": unit_vector(seed),
            "contract_id": CONTRACT,
            "quality": QUALITY,
            "source": "webcam",
            "pose": "front",
        }
        return SampleDraft(**values | changes)

    return make
