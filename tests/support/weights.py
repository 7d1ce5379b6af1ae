"""Real model weights for the tests: an installed pack, else one installed into a cached folder elsewhere."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from enrollment.packs.store import install_pack
from recognizer.errors import PackError
from recognizer.packs.choosing import choose_pack
from recognizer.packs.manifest import SHIPPED_DIR, Manifest

PACK = "mobile"
STARTER = "starter"
SHARED = Path(settings.BASE_DIR).parent / "shared"


class NoWeights(Exception):
    """The pack could not be installed from where it should be."""


@dataclass(frozen=True, slots=True)
class FoundWeights:
    models_dir: Path
    pack: str


def find_weights() -> FoundWeights:
    """PACK where it is installed or a folder or mirror has it, else the pack that comes with the product.

    The network is never asked: a test run must not depend on it. Raises NoWeights with the reason.
    """
    configured = Path(settings.FACESITE_MODELS_DIR)
    if is_installed(configured):
        return FoundWeights(configured, PACK)
    with one_at_a_time(cache_folder()) as cached:
        return find_cached(cached)


def find_cached(cached: Path) -> FoundWeights:
    mirror = settings.FACESITE_MODELS_MIRROR or (str(SHARED / "models") if (SHARED / "models").is_dir() else "")
    if not is_installed(cached) and mirror:
        install_into(cached, mirror)
    if is_installed(cached):
        return FoundWeights(cached, PACK)
    install_pack(models_dir=cached, name=STARTER)
    return FoundWeights(cached, STARTER)


def cache_folder() -> Path:
    digest = hashlib.sha256((SHIPPED_DIR / "manifest.toml").read_bytes()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"facesite-test-models-{os.getuid()}-{digest}"


def is_installed(models_dir: Path) -> bool:
    try:
        choose_pack(Manifest.load(models_dir), PACK)
    except PackError:
        return False
    return True


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[Path]:
    """The folder, while no other process is in here: tests run in several, and each looks for weights."""
    with Path(f"{folder}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


def install_into(target: Path, mirror: str) -> None:
    """Install in a folder of our own and rename: a run that is stopped leaves no half a pack."""
    with tempfile.TemporaryDirectory(prefix="facesite-models-", dir=target.parent) as work:
        fresh = Path(work) / "models"
        fresh.mkdir()
        try:
            install_pack(models_dir=fresh, name=PACK, sources=(str(mirror),))
        except (PackError, OSError) as error:
            raise NoWeights(str(error).splitlines()[0]) from error
        shutil.rmtree(target, ignore_errors=True)
        fresh.rename(target)
