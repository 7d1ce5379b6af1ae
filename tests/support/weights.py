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
from recognizer.packs import SHIPPED_DIR, Manifest, choose_pack

PACK = "mobile"
SHARED = Path(settings.BASE_DIR).parent / "shared"


class NoWeights(Exception):
    """Neither an installed pack, nor ../shared/models, nor the network gave weights."""


def find_models_dir() -> Path:
    """A folder with the pack installed. Raises NoWeights with the reason."""
    configured = Path(settings.FACESITE_MODELS_DIR)
    if is_installed(configured):
        return configured
    digest = hashlib.sha256((SHIPPED_DIR / "manifest.toml").read_bytes()).hexdigest()[:12]
    cached = Path(tempfile.gettempdir()) / f"facesite-test-models-{os.getuid()}-{digest}"
    if not is_installed(cached):
        install_into(cached)
    return cached


def is_installed(models_dir: Path) -> bool:
    try:
        choose_pack(Manifest.load(models_dir), PACK)
    except PackError:
        return False
    return True


def install_into(target: Path) -> None:
    """Install in a folder of our own and rename: two test runs at the same time never see half a pack."""
    mirror = settings.FACESITE_MODELS_MIRROR or (str(SHARED / "models") if (SHARED / "models").is_dir() else "")
    with tempfile.TemporaryDirectory(prefix="facesite-models-", dir=target.parent) as work:
        fresh = Path(work) / "models"
        fresh.mkdir()
        with override_settings(FACESITE_MODELS_DIR=fresh, FACESITE_MODELS_MIRROR=mirror):
            try:
                call_command("packs", "install", PACK, stdout=StringIO(), stderr=StringIO())
            except (CommandError, PackError, OSError) as error:
                raise NoWeights(str(error).splitlines()[0]) from error
        shutil.rmtree(target, ignore_errors=True)
        with suppress(OSError):  # another run was faster
            fresh.rename(target)
