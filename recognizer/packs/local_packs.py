"""What the operator adds in local.toml: packs, thresholds and cohorts.

An operator's pack is any ArcFace-style ONNX embedder, together with the default pack's other models.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from recognizer.errors import PackCorrupt, PackError
from recognizer.packs.choosing import sha256_of
from recognizer.packs.manifest import LOCAL_NAME, PLAIN_NAME, Gate, Manifest, Pack, read_toml
from recognizer.stages.embedding import OnnxEmbedder
from recognizer.stages.sessions import open_session
from recognizer.types import Preprocessing


class PackNameTaken(PackError):
    code = "pack_name_taken"


@dataclass(frozen=True, slots=True)
class OwnPack:
    """What the operator says about an embedder. Dimension and input layout are read from its graph."""

    name: str
    title: str
    licence: str
    preprocessing: Preprocessing
    thresholds: Mapping[str, Any] | None = None
    """`measured`, `source` and `match`, as in the manifest. None: the manifest's defaults."""


def add_pack(models_dir: Path, own: OwnPack, embedder: Path, sha256: str) -> Pack:
    """Check the file, copy it into the models folder and describe it in local.toml. The same call twice is harmless.

    Raises PackCorrupt (another sha256, no usable model), PackNameTaken, ManifestInvalid, PackError (a bad name).
    """
    manifest = Manifest.load(models_dir)
    file_name = f"{own.name}.onnx"
    _check_name(manifest, own.name, file_name, sha256)
    if sha256_of(embedder) != sha256.lower():
        raise PackCorrupt(f"{embedder} does not have the sha256 {sha256}: it is another file, or it is damaged.")
    dimension = OnnxEmbedder(open_session(embedder), own.preprocessing).dimension
    models_dir.mkdir(parents=True, exist_ok=True)
    _copy_whole(embedder, models_dir / file_name)
    document = _read_local(models_dir)
    document.setdefault("files", {})[own.name] = {
        "role": "embedder",
        "name": file_name,
        "size": embedder.stat().st_size,
        "sha256": sha256.lower(),
        "licence": own.licence,
    }
    document.setdefault("packs", {})[own.name] = _describe(own, dimension, manifest.get(manifest.default))
    _write_local(models_dir, document)
    return Manifest.load(models_dir).get(own.name)


def write_thresholds(models_dir: Path, pack: str, *, match: Mapping[float, float], source: str) -> Pack:
    """Give a pack, shipped or the operator's, new match thresholds at this site. Returns the pack with them.

    match: false-match rate to cosine. source: the pictures, their number and the date, in words. Raises PackUnknown,
    ManifestInvalid.
    """
    Manifest.load(models_dir).get(pack)
    document = _read_local(models_dir)
    entry = {"measured": True, "source": source, "match": {f"{rate:g}": value for rate, value in match.items()}}
    document.setdefault("thresholds", {})[pack] = entry
    _write_local(models_dir, document)
    return Manifest.load(models_dir).get(pack)


def write_cohort_entry(models_dir: Path, pack: Pack, file: Path, gate: Gate) -> Pack:
    """Give a pack, shipped or the operator's, a cohort of its own at this site. Returns the pack with it.

    file: in the models folder. Raises ManifestInvalid.
    """
    document = _read_local(models_dir)
    document.setdefault("cohorts", {})[pack.name] = cohort_entry(pack, file, gate)
    _write_local(models_dir, document)
    return Manifest.load(models_dir).get(pack.name)


def cohort_entry(pack: Pack, file: Path, gate: Gate) -> dict[str, Any]:
    """What a manifest says about the cohort of a pack in this file."""
    return {
        "contract_id": pack.contract_id,
        "name": file.name,
        "size": file.stat().st_size,
        "sha256": sha256_of(file),
        "licence": f"that of {pack.name}",
        "gate": gate.value,
        "source": gate.source,
    }


def toml_section(section: str, name: str, entry: Mapping[str, Any]) -> list[str]:
    """The lines of [section.name]."""
    return [f"[{section}.{_toml(name)}]", *(f"{key} = {_toml(value)}" for key, value in entry.items())]


def _check_name(manifest: Manifest, name: str, file_name: str, sha256: str) -> None:
    if not PLAIN_NAME.fullmatch(file_name):
        raise PackError(
            f"{name!r} is no name for a pack: use letters, digits, dots, dashes and underscores, with --name."
        )
    taken = manifest.packs.get(name)
    if taken and taken.embedder.sha256 != sha256.lower():
        raise PackNameTaken(f"There is already a pack called {name} with another embedder: choose a name with --name.")
    if taken and taken.embedder.name != file_name:
        raise PackNameTaken(f"The pack {name} is one that facesite knows: run manage.py packs install {name}.")
    files = {file.name for pack in manifest.packs.values() if pack is not taken for file in pack.files}
    if file_name in files:
        raise PackNameTaken(f"Another pack has a file called {file_name}: choose another name with --name.")


def _describe(own: OwnPack, dimension: int, base: Pack) -> dict[str, Any]:
    preprocessing = own.preprocessing
    entry: dict[str, Any] = {
        "title": own.title,
        "licence": own.licence,
        "only_by_name": True,
        "files": [own.name, *(file.key for file in base.files if file.role not in ("embedder", "cohort"))],
        "dimension": dimension,
        "preprocessing": {
            "colour": preprocessing.colour,
            "mean": list(preprocessing.mean),
            "std": list(preprocessing.std),
        },
    }
    return entry if own.thresholds is None else entry | {"thresholds": dict(own.thresholds)}


def _copy_whole(source: Path, target: Path) -> None:
    """Copies under a temporary name first: the target is always the old file or the whole new one."""
    with NamedTemporaryFile(prefix=f".{target.name}.", dir=target.parent, delete=False) as temporary:
        path = Path(temporary.name)
        try:
            with source.open("rb") as stream:
                shutil.copyfileobj(stream, temporary)
            temporary.close()
            path.chmod(0o644)
            path.replace(target)
        finally:
            path.unlink(missing_ok=True)


def _read_local(models_dir: Path) -> dict[str, Any]:
    path = models_dir / LOCAL_NAME
    return read_toml(path) if path.is_file() else {}


def _write_local(models_dir: Path, document: Mapping[str, Any]) -> None:
    lines = ["# Written by `manage.py packs add`, `quantize` and `cohort` and by `evaluate --write-thresholds`."]
    for section, entries in document.items():
        for name, entry in entries.items():
            lines += ["", *toml_section(section, name, entry)]
    path = models_dir / LOCAL_NAME
    with NamedTemporaryFile("w", encoding="utf-8", prefix=f".{path.name}.", dir=models_dir, delete=False) as temporary:
        temporary.write("\n".join(lines) + "\n")
    fresh = Path(temporary.name)
    fresh.chmod(0o644)
    fresh.replace(path)


def _toml(value: Any) -> str:
    """A value of the few kinds that a manifest holds, on one line."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_toml(key)} = {_toml(part)}" for key, part in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml(part) for part in value) + "]"
    # JSON's strings, numbers, true and false are TOML's too.
    return json.dumps(value, ensure_ascii=False)
