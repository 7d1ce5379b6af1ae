"""A pack's cohort: built from aligned crops, kept in a small file beside the weights, and read at the engine's start.

The file holds the centres as 8-bit integers (numpy's .npy, never pickled). Which embedding space they belong to and
where the gate lies stands in the manifest, or in local.toml for a cohort that was built at this site.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from recognizer.errors import PackCorrupt, PackError
from recognizer.packs.manifest import Pack
from recognizer.search.cohort import Cohort, find_centres
from recognizer.stages.embedding import normalize_rows
from recognizer.types import Vector

CENTRES = 300
"""Members of a cohort: 150 KB with 512 numbers each."""
LOST = 0.002
"""Share of the right matches that the gate may cost."""
FEWEST_MATCHES = 200
"""Fewer mated pairs above the threshold say too little about where the gate must lie."""


class CohortFailed(PackError):
    code = "pack_cohort_failed"


@dataclass(frozen=True, slots=True)
class GateFit:
    """Where the gate was set, and what it costs."""

    value: float
    matches: int
    """Mated pairs above the match threshold for 1e-4."""
    lost: int
    """Those of them that the gate turns into doubt."""


def load_cohort(pack: Pack) -> Cohort | None:
    """The pack's cohort; None where it has none. Raises PackCorrupt when its file holds no centres of its space."""
    files = pack.files_of("cohort")
    if not files or pack.gate is None:
        return None
    return Cohort(read_centres(files[0].path, pack.dimension), pack.gate.value)


def read_centres(path: Path, dimension: int) -> Vector:
    """(k, dimension) float32 unit vectors. Raises PackCorrupt."""
    try:
        stored = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise PackCorrupt(f"{path} holds no cohort: {error}.") from None
    if stored.dtype != np.int8 or stored.ndim != 2 or stored.shape[1] != dimension or not len(stored):
        raise PackCorrupt(f"{path} holds no cohort of {dimension} numbers per face.")
    return normalize_rows(stored.astype(np.float32))


def write_centres(path: Path, centres: Vector) -> None:
    """(k, d) unit vectors as 8-bit integers: cosines with them change by less than 0.001."""
    with path.open("wb") as stream:
        np.save(stream, np.round(centres * (127 / np.abs(centres).max())).astype(np.int8), allow_pickle=False)


def centres_of(embeddings: Vector) -> Vector:
    """(CENTRES, d) unit vectors: the centres of (n, d) embeddings of strangers. Raises CohortFailed for too few."""
    if len(embeddings) < 10 * CENTRES:
        raise CohortFailed(
            f"{len(embeddings)} crops are too few for a cohort: at least {10 * CENTRES} are needed, "
            "of as many people of all kinds as can be had."
        )
    return find_centres(embeddings, CENTRES)


def fit_gate(cohort: Cohort, embeddings: Vector, people: Sequence[str], match_threshold: float) -> GateFit:
    """The gate that costs at most LOST of the mated pairs, among (n, d) embeddings, that reach the threshold.

    people: who each embedding shows. The cohort's own gate is not looked at. Raises CohortFailed for too few pairs.
    """
    normalised = np.array(list(_mated_matches(cohort, embeddings, people, match_threshold)))
    if len(normalised) < FEWEST_MATCHES:
        raise CohortFailed(
            f"{len(normalised)} pairs of pictures of one person are too few to set the gate: at least "
            f"{FEWEST_MATCHES} are needed. Name a folder with more pictures of each person with --faces."
        )
    value = math.floor(1_000 * np.quantile(normalised, LOST, method="lower")) / 1_000
    return GateFit(value, len(normalised), int((normalised < value).sum()))


def _mated_matches(
    cohort: Cohort, embeddings: Vector, people: Sequence[str], match_threshold: float
) -> Iterable[float]:
    for first, second in combinations(range(len(people)), 2):
        if people[first] == people[second]:
            probe, template = embeddings[first], embeddings[second]
            score = float(probe @ template)
            if score >= match_threshold:
                yield cohort.normalise(score, probe, template)


def is_held_out(name: str, share: float) -> bool:
    """Whether a crop of this name is left out of a cohort, so that it can measure the cohort's gate."""
    return int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) < share * 16**8
