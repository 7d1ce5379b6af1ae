"""The walls of the house hold: bad imports, planted into a copy one at a time, are each refused by `make lint`."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = (
    "facesite",
    "api",
    "attendance",
    "verification",
    "enrollment",
    "security",
    "recognizer",
    "benchmarks",
    "training",
)
TOOLS = Path(sys.executable).parent
PLANTED = [
    # Against the one direction.
    ("recognizer/types.py", "from recognizer.engine import FaceEngine"),
    ("recognizer/stages/quality.py", "from recognizer.tracking.fuser import TrackFuser"),
    ("recognizer/search/fit.py", "from recognizer.decisions import conclude"),
    ("recognizer/images/decoding.py", "from django.conf import settings"),
    ("recognizer/engine.py", "from enrollment.models import Person"),
    ("enrollment/models.py", "from enrollment.runtime.gallery import current_gallery"),
    ("enrollment/samples/storing.py", "from enrollment.services import enroll_person"),
    ("enrollment/runtime/policy.py", "from verification.policy import current_policy"),
    ("enrollment/services.py", "from facesite.warmup import warmup"),
    ("verification/models.py", "from verification.services import record_attempt"),
    ("verification/services.py", "from verification.live.session import LiveSession"),
    ("verification/services.py", "from api.problems import Problem"),
    ("api/people.py", "from facesite.warmup import warmup"),
    ("api/limits.py", "from api.people import router"),
    ("security/roles/second_person.py", "from security.operators.services import set_roles"),
    ("security/sections.py", "from security.roles.table import Role"),
    # In a circle, or from one room into the next.
    ("recognizer/stages/sessions.py", "from recognizer.stages.embedding import OnnxEmbedder"),
    ("enrollment/hygiene/actions.py", "from enrollment.hygiene.views import report"),
    ("enrollment/capture/guided.py", "from enrollment.pictures.photos import check_photos"),
    ("verification/accuracy/charts.py", "from verification.accuracy.views import calibration"),
    # Rules that see sockets, pages or HTTP.
    ("enrollment/samples/storing.py", "from django.http import HttpRequest"),
    ("verification/policy.py", "from django.shortcuts import render"),
    ("enrollment/packs/switching.py", "from django.contrib import messages"),
    ("enrollment/pictures/photos.py", "from enrollment.streaming.sockets import FrameConsumer"),
    ("enrollment/services.py", "from channels.layers import get_channel_layer"),
    ("security/operators/services.py", "from django.http import HttpRequest"),
    ("security/keys/services.py", "from django.http import HttpRequest"),
    ("enrollment/pictures/folder_import.py", "from enrollment.web import actor_of"),
    ("verification/review/unknowns.py", "from verification.review.unknown_views import inbox"),
    ("verification/photos.py", "import cv2"),
    ("security/sign_in/openid.py", "from django.http import HttpRequest"),
    ("security/sign_in/halfway.py", "from security.sign_in.second_factor_views import code"),
    # What the product must not need.
    ("enrollment/packs/quantizing.py", "from training.export import main"),
    ("facesite/health.py", "from benchmarks.sample import clip_frames"),
    ("training/boxes.py", "from enrollment.models import Person"),
]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages and the linters' settings."""
    folder = tmp_path_factory.mktemp("house")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def complaints(copy: Path, path: str) -> str:
    """What import-linter says about the copy and Ruff about one of its files; empty when both are content."""
    ruff = [str(TOOLS / "ruff"), "check", "--no-cache", "--select", "TID251", path]
    commands = ([str(TOOLS / "lint-imports")], ruff)
    done = [subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False) for command in commands]
    return "".join(one.stdout + one.stderr for one in done if one.returncode)


def test_the_house_as_it_stands_is_in_order(copy: Path) -> None:
    assert complaints(copy, ".") == ""


@pytest.mark.parametrize(("path", "line"), PLANTED, ids=[f"{path}: {line}" for path, line in PLANTED])
def test_a_bad_import_is_refused(copy: Path, path: str, line: str) -> None:
    file, module = copy / path, path.removesuffix(".py").replace("/", ".")
    sibling = f".{module.rpartition('.')[2]} ->"  # how a circle is reported
    before = file.read_text()
    file.write_text(f"{before}\n{line}\n")
    said = complaints(copy, path)
    file.write_text(before)
    assert any(name in said for name in (module, path, sibling))
