"""Model packs: which one is used, whether its files are what they should be, and its decision policy."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

from recognizer.errors import PackCorrupt, PackNotInstalled, PackUnknown
from recognizer.packs.manifest import Manifest, Pack, PackFile
from recognizer.types import DecisionPolicy, LivenessMode

IN_OWN_GALLERY = "in this site's own gallery"
"""What a threshold that was measured on the people enrolled here stands on."""


def choose_pack(manifest: Manifest, name: str | None = None) -> Pack:
    """The named pack. Without a name the first installed one in the manifest's order, leaving out `only_by_name`.

    Raises PackUnknown or PackNotInstalled; both say what to do.
    """
    if name:
        pack = manifest.get(name)
        if not pack.installed:
            missing = ", ".join(file.name for file in pack.files if not file.installed)
            raise PackNotInstalled(
                f"The model pack {name} is not installed (missing: {missing}). Run: manage.py packs install {name}"
            )
        return pack
    for pack in manifest.packs.values():
        if pack.installed and not pack.only_by_name:
            return pack
    raise PackNotInstalled(
        f"No model pack is installed in {manifest.models_dir}. Run: manage.py packs install {manifest.default}"
    )


def stronger_pack(manifest: Manifest, pack: Pack) -> Pack | None:
    """The best installed pack that comes before `pack` in the manifest's order.

    For the starter pack there is always something stronger: where nothing better is installed, the default pack, to be
    installed. None when there is nothing to recommend.
    """
    before = list(manifest.packs.values())
    before = before[: [other.name for other in before].index(pack.name)] if pack.name in manifest.packs else []
    best = next((other for other in before if other.installed and not other.only_by_name), None)
    return best or (manifest.get(manifest.default) if pack.starter else None)


def verify_pack(pack: Pack) -> None:
    """Check size and sha256 of every file. Raises PackNotInstalled or PackCorrupt."""
    for file in pack.files:
        verify_file(file, file.path, pack.name)


def verify_file(file: PackFile, path: Path, pack_name: str) -> None:
    """Check that `path` is this file of the manifest. Raises PackNotInstalled or PackCorrupt."""
    if not path.is_file():
        raise PackNotInstalled(f"{path} is missing. Run: manage.py packs install {pack_name}")
    size = path.stat().st_size
    if size != file.size:
        raise PackCorrupt(
            f"{path} has {size} bytes where the manifest says {file.size}. Run: manage.py packs install {pack_name}"
        )
    if sha256_of(path) != file.sha256:
        raise PackCorrupt(
            f"{path} is not the file the manifest describes (its sha256 differs). "
            f"Run: manage.py packs install {pack_name}"
        )


def sha256_of(path: Path) -> str:
    """In hexadecimal. The file is read in pieces, since models are large."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def policy_for(
    pack: Pack, fmr: float, liveness: LivenessMode, *, match_threshold: float | None = None
) -> DecisionPolicy:
    """The decision policy at one of the pack's false-match rates. Raises PackUnknown for any other rate.

    match_threshold: what the site has measured for this rate. All thresholds of the pack then move by the same amount.
    """
    for rate, threshold in pack.thresholds.items():
        if math.isclose(rate, fmr, rel_tol=1e-6):
            moved = 0.0 if match_threshold is None else match_threshold - threshold.match
            return DecisionPolicy(
                match_threshold=threshold.match if match_threshold is None else match_threshold,
                uncertain_threshold=threshold.uncertain + moved,
                fmr=rate,
                liveness=liveness,
                thresholds=tuple((known, at.match + moved) for known, at in pack.thresholds.items()),
                population=pack.population if match_threshold is None else IN_OWN_GALLERY,
            )
    known = ", ".join(f"{rate:g}" for rate in pack.thresholds)
    raise PackUnknown(f"The pack {pack.name} has no threshold for a false-match rate of {fmr:g}. It has: {known}.")
