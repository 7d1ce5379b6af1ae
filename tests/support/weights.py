"""Real model weights for the tests: an installed pack, else one installed into a cached folder elsewhere."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from contextlib import suppress
from io import StringIO
from pathlib import Path

from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import override_settings

from recognizer.errors import PackError
from recognizer.packs import Manifest, choose_pack

PACK = "mobile"
SHARED = Path(settings.BASE_DIR).parent / "shared"


class NoWeights(Exception):
    """Neither an installed pack, nor ../shared/models, nor the network gave weights."""


def find_models_dir() -> Path:
    """A folder with a manifest and an installed pack. Raises NoWeights with the reason."""
    configured = Path(settings.FACESITE_MODELS_DIR)
    if has_installed_pack(configured):
        return configured
    manifest = Path(settings.BASE_DIR) / "models" / "manifest.toml"
    digest = hashlib.sha256(manifest.read_bytes()).hexdigest()[:12]
    cached = Path(tempfile.gettempdir()) / f"facesite-test-models-{os.getuid()}-{digest}"
    if not has_installed_pack(cached):
        install_into(cached, manifest.parent)
    return cached


def has_installed_pack(models_dir: Path) -> bool:
    try:
        choose_pack(Manifest.load(models_dir), None)
    except (PackError, OSError):
        return False
    return True


def install_into(target: Path, source: Path) -> None:
    """Install in a folder of our own and rename: two test runs at the same time never see half a pack."""
    with tempfile.TemporaryDirectory(prefix="facesite-models-", dir=target.parent) as work:
        fresh = Path(work) / "models"
        shutil.copytree(source, fresh, ignore=shutil.ignore_patterns("*.onnx", "*.part", "*.tmp"))
        mirror = settings.FACESITE_MODELS_MIRROR or (str(SHARED / "models") if (SHARED / "models").is_dir() else "")
        with override_settings(FACESITE_MODELS_DIR=fresh, FACESITE_MODELS_MIRROR=mirror):
            try:
                call_command("packs", "install", PACK, stdout=StringIO(), stderr=StringIO())
            except (CommandError, PackError, OSError) as error:
                raise NoWeights(str(error).splitlines()[0]) from error
        if not has_installed_pack(fresh):
            raise NoWeights(f"the {PACK} pack could not be installed")
        shutil.rmtree(target, ignore_errors=True)
        with suppress(OSError):  # another run was faster
            fresh.rename(target)
