"""Real people in the gallery: pictures of ../shared/faces, enrolled by the real engine."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from enrollment.models import Person
from enrollment.runtime.gallery import reset_gallery
from enrollment.samples.drafts import draft_from_face
from enrollment.services import enroll_person
from recognizer.engine import FaceEngine
from recognizer.images import UPLOAD_LIMITS
from recognizer.types import Face
from tests.support.consent import ON_PAPER

ADA = "Amelia_Vega"
BOB = "Bill_Gates"
STRANGER = "Bulent_Ecevit"


@pytest.fixture(autouse=True)
def _fresh_gallery():
    reset_gallery()
    yield
    reset_gallery()


@pytest.fixture(scope="session")
def picture(shared_faces: Path) -> Callable[[str, int], bytes]:
    """picture(name, number): JPEG bytes of one of that person's LFW pictures in the order of their files, from 1."""

    def read(name: str, number: int) -> bytes:
        return sorted((shared_faces / "eval" / name).glob("*.jpg"))[number - 1].read_bytes()

    return read


@pytest.fixture(scope="session")
def face_of(engine: FaceEngine) -> Callable[[bytes], Face]:
    """face_of(data): the largest face of a picture, analysed once per session."""
    return cache(lambda data: engine.analyze(engine.decode(data, UPLOAD_LIMITS)).faces[0])


@pytest.fixture
def enrol(db, engine: FaceEngine, face_of: Callable[[bytes], Face]) -> Callable[..., Person]:
    """enrol(name, *pictures): the largest face of each picture (JPEG bytes)."""

    def enrol_pictures(name: str, *pictures: bytes) -> Person:
        faces = [face_of(data) for data in pictures]
        drafts = [draft_from_face(face, contract_id=engine.contract_id, source="upload") for face in faces]
        return enroll_person(actor=None, name=name, consent=ON_PAPER, samples=drafts, despite_duplicate=True).person

    return enrol_pictures


@pytest.fixture
def ada(enrol: Callable[..., Person], picture: Callable[[str, int], bytes]) -> Person:
    return enrol("Ada", *(picture(ADA, number) for number in (1, 2, 3)))


@pytest.fixture
def bob(enrol: Callable[..., Person], picture: Callable[[str, int], bytes]) -> Person:
    return enrol("Bob", *(picture(BOB, number) for number in (1, 2, 3)))
