"""Exact 1:N search over templates: an immutable snapshot, and the next one derived from it.

A snapshot holds two blocks of templates: a large one that every later snapshot shares, and a small one that each
change copies. Removed templates of the large block are only marked. So one insert into 100,000 templates copies at
most SMALL_BLOCK_LIMIT rows, and a search that runs meanwhile on the older snapshot sees nothing of it.

Exactness: FAISS shortlists rows by a float32 or, in large blocks, 8-bit inner product, whose error is bounded
(`_Block.shortlist`); the shortlist is scored again in float64, and the answer counts only when its last score is above
anything that the rows left out could reach. Otherwise the shortlist grows, in the end to all rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import faiss
import numpy as np
from numpy.typing import NDArray

from recognizer.confusions import NONE_RECORDED, Confusions
from recognizer.errors import ContractMismatch
from recognizer.types import Candidate, Vector

QUANTISE_FROM = 50_000
"""Rows from which a block gets 8-bit codes: above this the float32 rows no longer fit the processor's cache."""
SMALL_BLOCK_LIMIT = 4_096
"""Most templates in the block that every change copies."""
SHORTLIST = 64
"""Rows scored exactly at first; on 30,000 real 512-d embeddings that settled every search at once."""
NORM_TOLERANCE = 1e-3

Rows = NDArray[np.int64]
Arrays = tuple[Sequence[int] | Rows, Sequence[str], Vector]
"""template ids (n,), person ids (n,), embeddings (n, d)."""


@dataclass(frozen=True, slots=True, eq=False)
class TemplateRow:
    template_id: int
    person_id: str
    embedding: Vector
    """(d,) float32, L2-normalised."""


class _Codes:
    """Embeddings as 8-bit integers, one step width per dimension, searched by FAISS's integer kernels."""

    def __init__(self, matrix: Vector) -> None:
        dimension = matrix.shape[1]
        self._steps = np.maximum(np.abs(matrix).max(axis=0), 1e-12) / 127.0
        self._index = faiss.IndexScalarQuantizer(
            dimension, faiss.ScalarQuantizer.QT_8bit_direct_signed, faiss.METRIC_INNER_PRODUCT
        )
        self._row_error = self._longest_code = 0.0
        for start in range(0, len(matrix), 16_384):  # whole-matrix temporaries would double the memory
            part = matrix[start : start + 16_384]
            codes = np.rint(part / self._steps).astype(np.float32)
            self._row_error = max(self._row_error, float(np.linalg.norm(part - codes * self._steps, axis=1).max()))
            self._longest_code = max(self._longest_code, float(np.linalg.norm(codes, axis=1).max()))
            self._index.add(codes)

    def search(self, probe: Vector, count: int) -> tuple[Rows, float]:
        """The `count` best rows, and a score that no other row can exceed.

        FAISS rounds the probe to integers too (for dimensions that fill its registers), so it is scaled and rounded
        here. By Cauchy-Schwarz the error is at most |probe| * longest row residual + |probe residual| * longest code;
        1e-4 covers float32 rounding many times over.
        """
        weights = probe * self._steps
        step = max(float(np.abs(weights).max()), 1e-30) / 127.0
        rounded = np.rint(weights / step).astype(np.float32)
        scores, rows = self._index.search(rounded[np.newaxis], count)
        residual = float(np.linalg.norm(weights - rounded * step))
        error = self._row_error * float(np.linalg.norm(probe)) + residual * self._longest_code
        return rows[0], float(scores[0, -1]) * step + error + 1e-4

    @property
    def nbytes(self) -> int:
        return int(self._index.ntotal * self._index.sa_code_size())


class _Block:
    """Templates in the order of their ids; never changed after it was made."""

    def __init__(self, ids: Rows, people: NDArray[np.object_], matrix: Vector) -> None:
        order = np.argsort(ids, kind="stable")
        if np.any(order != np.arange(len(ids))):
            ids, people, matrix = ids[order], people[order], matrix[order]
        if np.any(ids[1:] == ids[:-1]):
            raise ValueError("A template id occurs twice; every template of a gallery needs an id of its own.")
        self.ids, self.people, self.matrix = ids, people, matrix
        self.codes = _Codes(matrix) if len(ids) >= QUANTISE_FROM else None
        self._rows_of: dict[str, list[int]] = {}
        for row, person in enumerate(people):
            self._rows_of.setdefault(person, []).append(row)

    def __len__(self) -> int:
        return len(self.ids)

    def rows_of(self, person_id: str) -> Rows:
        return np.array(self._rows_of.get(person_id, ()), dtype=np.int64)

    def find(self, template_ids: Collection[int]) -> Rows:
        """Rows of those template ids that are in this block."""
        wanted = np.unique(np.fromiter(template_ids, dtype=np.int64, count=len(template_ids)))
        rows = np.searchsorted(self.ids, wanted)
        inside = rows < len(self.ids)
        rows, wanted = rows[inside], wanted[inside]
        found: Rows = rows[self.ids[rows] == wanted]
        return found

    def shortlist(self, probe: Vector, count: int) -> tuple[Rows, float]:
        """At least `count` rows, among them the best ones, and a bound that no other row's score exceeds."""
        if count >= len(self) // 2:
            return np.arange(len(self)), -np.inf
        if self.codes is not None:
            return self.codes.search(probe, count)
        scores, rows = faiss.knn(probe[np.newaxis], self.matrix, count, metric=faiss.METRIC_INNER_PRODUCT)
        # A float32 inner product of unit vectors is off by at most d * 2^-24 (Higham, gamma_n).
        return rows[0], float(scores[0, -1]) + len(probe) * 2.0**-23

    def score(self, rows: Rows, probe: Vector) -> Vector:
        """Exact cosines (m,), float32: summed in float64, so that equal templates tie wherever they are stored."""
        precise = probe.astype(np.float64)
        scores = np.empty(len(rows), dtype=np.float32)
        for start in range(0, len(rows), 4_096):
            part = rows[start : start + 4_096]
            scores[start : start + 4_096] = self.matrix[part].astype(np.float64) @ precise
        return scores

    @property
    def nbytes(self) -> int:
        return self.matrix.nbytes + self.ids.nbytes + self.people.nbytes + (self.codes.nbytes if self.codes else 0)


class GallerySnapshot:
    """Everybody's templates of one embedding space at one revision. Immutable; safe to search from many threads."""

    __slots__ = ("_alive", "_counts", "_large", "_small", "confusions", "contract_id", "dimension", "revision")

    def __init__(
        self,
        large: _Block,
        small: _Block,
        *,
        alive: NDArray[np.bool_],
        counts: Mapping[str, int],
        contract_id: str,
        dimension: int,
        revision: int,
        confusions: Confusions = NONE_RECORDED,
    ) -> None:
        """Use `build` and `updated`. alive: (len(large),), False for removed templates; counts: person to templates."""
        self.confusions = confusions
        self._large, self._small, self._alive, self._counts = large, small, alive, counts
        self.contract_id, self.dimension, self.revision = contract_id, dimension, revision

    @classmethod
    def build(
        cls, rows: Sequence[TemplateRow] | Arrays, *, contract_id: str, dimension: int, revision: int
    ) -> GallerySnapshot:
        """A snapshot of these templates. A float32 matrix in the order of its ids is used as it is, not copied.

        Raises ContractMismatch for a wrong dimension, ValueError for a vector that is not L2-normalised or an id
        that occurs twice.
        """
        large = _make_block(rows, dimension)
        return cls(
            large,
            _make_block((), dimension),
            alive=_everything(large),
            counts=Counter(large.people.tolist()),
            contract_id=contract_id,
            dimension=dimension,
            revision=revision,
        )

    @property
    def people(self) -> int:
        return len(self._counts)

    @property
    def templates(self) -> int:
        return int(np.count_nonzero(self._alive)) + len(self._small)

    @property
    def nbytes(self) -> int:
        """Memory of the vectors, codes and ids in bytes."""
        return self._large.nbytes + self._small.nbytes + self._alive.nbytes

    def __contains__(self, person_id: object) -> bool:
        return person_id in self._counts

    def require_contract(self, contract_id: str) -> None:
        """Raises ContractMismatch when probes of `contract_id` must not be compared with these templates."""
        if contract_id != self.contract_id:
            raise ContractMismatch(
                f"The gallery holds templates of {self.contract_id}, but the engine computes {contract_id}. "
                "Run rebuild_templates, or start with the model pack that the templates were made with."
            )

    def updated(
        self, *, added: Sequence[TemplateRow] = (), removed: Collection[int] = (), revision: int
    ) -> GallerySnapshot:
        """The next snapshot. Ids to remove that are not here are ignored; an added id that is here replaces it.

        Raises what `build` raises; this snapshot stays as it is in any case.
        """
        new = _make_block(added, self.dimension)
        gone = {*removed, *new.ids.tolist()}
        dead = self._large.find(gone)
        dead = dead[self._alive[dead]]
        stays = np.ones(len(self._small), dtype=np.bool_)
        stays[self._small.find(gone)] = False
        lost = self._large.people[dead].tolist() + self._small.people[~stays].tolist()
        alive = self._alive
        if len(dead):
            alive = alive.copy()
            alive[dead] = False
        large, small = self._large, _join((self._small, stays), (new, _everything(new)))
        if len(small) > SMALL_BLOCK_LIMIT or np.count_nonzero(~alive) > max(SMALL_BLOCK_LIMIT, len(large) // 8):
            large = _join((large, alive), (small, _everything(small)))
            small, alive = _make_block((), self.dimension), _everything(large)
        return GallerySnapshot(
            large,
            small,
            alive=alive,
            counts=_count(self._counts, gained=new.people.tolist(), lost=lost),
            contract_id=self.contract_id,
            dimension=self.dimension,
            revision=revision,
            confusions=self.confusions,
        )

    def with_confusions(self, confusions: Confusions) -> GallerySnapshot:
        """The same templates with these recorded confusions (of the same embedding space) instead."""
        return GallerySnapshot(
            self._large,
            self._small,
            alive=self._alive,
            counts=self._counts,
            contract_id=self.contract_id,
            dimension=self.dimension,
            revision=self.revision,
            confusions=confusions,
        )

    def search(self, probe: Vector, limit: int = 5) -> list[Candidate]:
        """The `limit` best people, one Candidate each with their best template, best first (ties: lower template id).

        probe: (d,) float32, L2-normalised. Raises ContractMismatch for another dimension, ValueError for a probe that
        holds NaN or is not normalised.
        """
        probe = self._check_probe(probe)
        faiss.omp_set_num_threads(1)  # per calling thread in OpenMP; the engine's pool is the parallelism
        wanted, count = max(min(limit, self.people), 0), max(SHORTLIST, 2 * limit)
        while True:
            best, bound = self._best_of_shortlist(probe, wanted, count)
            if bound == -np.inf or (len(best) == wanted and (not best or best[-1].comparison_score > bound)):
                return best
            count *= 4

    def compare(self, probe: Vector, person_id: str) -> Candidate | None:
        """1:1: that person's best template; None when they have none here. Raises what `search` raises."""
        return next(self._own(probe, person_id), None)

    def scores(self, probe: Vector, person_id: str) -> list[float]:
        """The scores of all templates of one person, best first. Raises what `search` raises."""
        return [candidate.comparison_score for candidate in self._own(probe, person_id)]

    def _own(self, probe: Vector, person_id: str) -> Iterator[Candidate]:
        """All templates of one person, best first."""
        probe = self._check_probe(probe)
        large = self._large.rows_of(person_id)
        return _ranked((self._large, large[self._alive[large]]), (self._small, self._small.rows_of(person_id)), probe)

    def _best_of_shortlist(self, probe: Vector, wanted: int, count: int) -> tuple[list[Candidate], float]:
        """The best template of each of up to `wanted` people among at least `count` rows; the bound on all others."""
        large, large_bound = self._large.shortlist(probe, count)
        small, small_bound = self._small.shortlist(probe, count)
        best: dict[str, Candidate] = {}
        for candidate in _ranked((self._large, large[self._alive[large]]), (self._small, small), probe):
            if len(best) >= wanted:
                break
            best.setdefault(candidate.person_id, candidate)
        return list(best.values()), max(large_bound, small_bound)

    def _check_probe(self, probe: Vector) -> Vector:
        if probe.shape != (self.dimension,):
            raise ContractMismatch(
                f"The probe has the shape {probe.shape}, but the gallery's templates have {self.dimension} values."
            )
        probe = np.ascontiguousarray(probe, dtype=np.float32)
        norm = float(np.linalg.norm(probe))
        if not abs(norm - 1.0) <= NORM_TOLERANCE:  # also true for NaN
            raise ValueError(f"The probe has the length {norm:g}; a gallery is searched with L2-normalised embeddings.")
        return probe


def _ranked(one: tuple[_Block, Rows], other: tuple[_Block, Rows], probe: Vector) -> Iterator[Candidate]:
    """These rows of both blocks, best score first, equal scores by template id; made one by one as they are read."""
    parts = [(block.score(rows, probe), block.ids[rows], block.people[rows]) for block, rows in (one, other)]
    scores, ids, people = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    for at in np.lexsort((ids, -scores)).tolist():
        yield Candidate(str(people[at]), int(ids[at]), float(scores[at]))


def _make_block(rows: Sequence[TemplateRow] | Arrays, dimension: int) -> _Block:
    """Raises ContractMismatch or ValueError."""
    if isinstance(rows, tuple) and len(rows) == 3 and isinstance(rows[2], np.ndarray):
        ids, people, matrix = rows
    else:
        ids, people, matrix = _split_rows(rows, dimension)
    matrix = np.ascontiguousarray(matrix, dtype=np.float32)
    if matrix.shape != (len(ids), dimension) or len(people) != len(ids):
        raise ContractMismatch(
            f"The gallery needs {len(ids)} templates of {dimension} values, but was given an array of {matrix.shape}."
        )
    known = np.array(ids, dtype=np.int64)
    _check_norms(known, matrix)
    return _Block(known, _as_objects(people), matrix)


def _split_rows(rows: Iterable[TemplateRow], dimension: int) -> Arrays:
    rows = list(rows)
    for row in rows:
        if row.embedding.shape != (dimension,):
            raise ContractMismatch(
                f"Template {row.template_id} has the shape {row.embedding.shape}, but this gallery's templates "
                f"have {dimension} values."
            )
    matrix = np.stack([row.embedding for row in rows]) if rows else np.empty((0, dimension), dtype=np.float32)
    return [row.template_id for row in rows], [row.person_id for row in rows], matrix


def _check_norms(ids: Rows, matrix: Vector) -> None:
    lengths = np.sqrt(np.einsum("ij,ij->i", matrix, matrix))
    bad = ids[~(np.abs(lengths - 1.0) <= NORM_TOLERANCE)]
    if len(bad):
        shown = ", ".join(map(str, bad[:5].tolist())) + (" ..." if len(bad) > 5 else "")
        raise ValueError(f"{len(bad)} templates are not L2-normalised vectors (template ids {shown}); rebuild them.")


def _as_objects(people: Sequence[str]) -> NDArray[np.object_]:
    array = np.empty(len(people), dtype=np.object_)
    array[:] = people
    return array


def _everything(block: _Block) -> NDArray[np.bool_]:
    return np.ones(len(block), dtype=np.bool_)


def _count(counts: Mapping[str, int], *, gained: Iterable[str], lost: Iterable[str]) -> dict[str, int]:
    """Templates per person after a change; who has none left is not listed."""
    after = dict(counts)
    for person in gained:
        after[person] = after.get(person, 0) + 1
    for person in lost:
        after[person] -= 1
        if not after[person]:
            del after[person]
    return after


def _join(*parts: tuple[_Block, NDArray[np.bool_]]) -> _Block:
    """A new block of the rows marked True."""
    return _Block(
        np.concatenate([block.ids[mask] for block, mask in parts]),
        np.concatenate([block.people[mask] for block, mask in parts]),
        np.concatenate([block.matrix[mask] for block, mask in parts]),
    )
