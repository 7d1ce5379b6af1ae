"""The starter pack and two public-domain portraits: what every machine has, whatever lies beside the checkout."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from enrollment.packs.store import install_pack
from enrollment.runtime import engine as runtime
from enrollment.runtime.gallery import reset_gallery
from recognizer.engine import FaceEngine
from recognizer.types import RecognizerConfig

PACK = "starter"


@pytest.fixture(scope="session")
def starter_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder with nothing but the weights that come with the product."""
    folder = tmp_path_factory.mktemp("starter-models")
    install_pack(models_dir=folder, name=PACK)
    return folder


@pytest.fixture(scope="session")
def started(starter_dir: Path) -> Iterator[FaceEngine]:
    engine = FaceEngine(RecognizerConfig(models_dir=starter_dir))
    engine.startup()
    yield engine
    engine.close()


@pytest.fixture(autouse=True)
def starter(started: FaceEngine, starter_dir: Path, settings, monkeypatch) -> FaceEngine:
    """This process recognises with the starter pack, as a fresh clone without network does."""
    settings.FACESITE_MODELS_DIR, settings.FACESITE_MODEL_PACK, settings.FACESITE_MODELS_MIRROR = starter_dir, None, ""
    monkeypatch.setattr(runtime.shared, "_engine", started)
    monkeypatch.setattr(runtime.shared, "_next_check", float("inf"))
    reset_gallery()
    return started
