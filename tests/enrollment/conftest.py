"""Drafts for tests that are about storing and searching, not about faces: random crops and random unit vectors."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

from enrollment import services
from enrollment.models import Person
from enrollment.pictures.folder_import import look_at_picture
from enrollment.runtime.gallery import reset_gallery
from enrollment.samples.drafts import SampleDraft
from recognizer.types import Pose, Quality, Vector
from tests.support.consent import ON_PAPER

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


@pytest.fixture
def enroll(db, make_draft: Callable[..., SampleDraft]) -> Callable[..., Person]:
    """enroll("Ada", 1, 2): stored with these drafts, without looking for duplicates, which needs an engine."""

    def make(name: str, *seeds: int, **changes: Any) -> Person:
        values = {"actor": None, "consent": ON_PAPER, "samples": [make_draft(seed) for seed in seeds], **changes}
        return services.enroll_person(name=name, despite_duplicate=True, **values).person

    return make


@pytest.fixture(scope="session")
def drafts_of(engine, shared_faces) -> Callable[[str], list[SampleDraft]]:
    """drafts_of("Bill_Gates"): that person's pictures of ../shared/faces/eval, analysed once per session."""

    @cache
    def look(name: str) -> tuple[SampleDraft, ...]:
        paths = sorted((shared_faces / "eval" / name).glob("*.jpg"))
        return tuple(draft for path in paths if (draft := look_at_picture(engine, path).draft))

    return lambda name: list(look(name))


@pytest.fixture
def enroll_real(drafts_of) -> Callable[..., Person]:
    """enroll_real("Bill_Gates", slice(3)): stored as they are, without a question about duplicates."""

    def make(folder: str, which: slice = slice(None), *, name: str = "", extra: tuple[SampleDraft, ...] = ()) -> Person:
        samples = [*drafts_of(folder)[which], *extra]
        return services.enroll_person(
            actor=None, name=name or folder, consent=ON_PAPER, samples=samples, despite_duplicate=True
        ).person

    return make
