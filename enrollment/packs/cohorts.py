"""Builds a pack's cohort from aligned crops of strangers, and sets its gate on pictures of people who are known."""

from __future__ import annotations

import re
import shutil
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from recognizer.engine import FaceEngine
from recognizer.errors import ImageError
from recognizer.images import decode_crop, read_file
from recognizer.packs.cohorts import (
    CohortFailed,
    GateFit,
    centres_of,
    fit_gate,
    is_held_out,
    read_centres,
    write_centres,
)
from recognizer.packs.local_packs import cohort_entry, toml_section, write_cohort_entry
from recognizer.packs.manifest import SHIPPED_DIR, Gate, Manifest, Pack
from recognizer.packs.quantize import LabelledCrop
from recognizer.search.cohort import Cohort
from recognizer.types import Image, RecognizerConfig, Vector

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
BATCH = 64
"""Crops in memory at a time."""


@dataclass(frozen=True, slots=True)
class Strangers:
    """Where a cohort's crops come from."""

    sources: tuple[Path, ...]
    """Tar files and folders of crops of 112 x 112 pixels, aligned as the product does it."""
    under: tuple[str, ...] = ("",)
    """Only crops whose name begins with one of these."""
    held_out: float = 0.0
    """Share of the crops that is left out, by a hash of their names, so that others can measure with it."""


@dataclass(frozen=True, slots=True)
class BuiltCohort:
    pack: Pack
    """With the cohort."""
    crops: int
    """Strangers that the centres were found among."""
    fit: GateFit


def cohort_of_site(models_dir: Path, pack: Pack, strangers: Strangers, mated: Sequence[LabelledCrop]) -> BuiltCohort:
    """Build a cohort for this site: a file in the models folder and a section of local.toml.

    mated: pictures of people who are known, to set the gate. Raises PackError (CohortFailed).
    """
    target = models_dir / f"{pack.name}_cohort_of_site.npy"
    crops, fit, gate = _build(models_dir, pack, strangers, mated, target)
    return BuiltCohort(write_cohort_entry(models_dir, pack, target, gate), crops, fit)


def cohort_of_product(models_dir: Path, pack: Pack, strangers: Strangers, mated: Sequence[LabelledCrop]) -> BuiltCohort:
    """Build the cohort that the product ships, beside its manifest and in a section of it. Raises PackError."""
    target = SHIPPED_DIR / f"{pack.name}_cohort.npy"
    crops, fit, gate = _build(models_dir, pack, strangers, mated, target)
    manifest = SHIPPED_DIR / "manifest.toml"
    section = "\n".join(toml_section("cohorts", pack.name, cohort_entry(pack, target, gate))) + "\n"
    others = re.sub(rf"\n\[cohorts\.\"?{re.escape(pack.name)}\"?\]\n(?:[^\[\n].*\n)*", "", manifest.read_text("utf-8"))
    manifest.write_text(f"{others}\n{section}", "utf-8")
    return BuiltCohort(Manifest.load(SHIPPED_DIR).get(pack.name), crops, fit)


def inherit_cohort(models_dir: Path, pack: Pack, variant: Pack, mean_cosine: float) -> Pack:
    """Give the 8-bit variant of a pack the original's cohort, if it has one: its embeddings are nearly the same."""
    if pack.gate is None:
        return variant
    target = models_dir / f"{variant.name}_cohort_of_site.npy"
    shutil.copyfile(pack.files_of("cohort")[0].path, target)
    source = f"that of {pack.name}; the 8-bit embeddings agree with its own at a mean cosine of {mean_cosine:.4f}"
    return write_cohort_entry(models_dir, variant, target, Gate(pack.gate.value, source))


def _build(
    models_dir: Path, pack: Pack, strangers: Strangers, mated: Sequence[LabelledCrop], target: Path
) -> tuple[int, GateFit, Gate]:
    """Writes the centres to `target` once everything has succeeded."""
    engine = FaceEngine(RecognizerConfig(models_dir, pack=pack.name, cohort=False))
    engine.startup()
    try:
        embeddings = embed_strangers(engine, strangers)
        known = np.concatenate([engine.embed([crop.aligned]) for crop in mated] or [embeddings[:0]])
    finally:
        engine.close()
    with TemporaryDirectory(prefix=".cohort-", dir=target.parent) as folder:
        fresh = Path(folder) / target.name
        write_centres(fresh, centres_of(embeddings))
        cohort = Cohort(read_centres(fresh, pack.dimension), gate=0.0)
        fit = fit_gate(cohort, known, [crop.person for crop in mated], pack.thresholds[1e-4].match)
        fresh.chmod(0o644)
        fresh.replace(target)
    costs = f"{fit.lost} of {fit.matches} mated pairs above the 1e-4 threshold are lost"
    source = f"{len(embeddings)} crops of strangers; {costs}; {date.today():%Y-%m-%d}"
    return len(embeddings), fit, Gate(fit.value, source)


def embed_strangers(engine: FaceEngine, strangers: Strangers) -> Vector:
    """(n, d) float32 embeddings of the crops that are not held out. Raises CohortFailed for none, or a wrong size."""
    crops = (
        (name, data)
        for name, data in read_crops(strangers.sources)
        if name.startswith(strangers.under) and not is_held_out(name, strangers.held_out)
    )
    parts = [np.empty((0, engine.dimension), np.float32)]
    while batch := [_decode(name, data) for name, data in islice(crops, BATCH)]:
        parts.append(engine.embed(batch))
    return np.concatenate(parts)


def _decode(name: str, data: bytes) -> Image:
    try:
        return decode_crop(data)
    except ImageError as error:
        raise CohortFailed(f"{name} is no crop: {error}") from None


def read_crops(sources: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of every picture in these tar files and folders. The name is the path inside of them."""
    for source in sources:
        if source.is_dir():
            for path in sorted(source.rglob("*")):
                if path.suffix.lower() in SUFFIXES:
                    yield path.relative_to(source).as_posix(), read_file(path)
        else:
            yield from _members(source)


def _members(source: Path) -> Iterator[tuple[str, bytes]]:
    try:
        with tarfile.open(source) as archive:
            for member in archive:
                file = archive.extractfile(member) if member.name.lower().endswith(SUFFIXES) else None
                if file:
                    yield member.name, file.read()
    except (tarfile.TarError, OSError) as error:
        raise CohortFailed(f"{source} is neither a folder nor a tar file that can be read: {error}.") from None
