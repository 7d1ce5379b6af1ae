"""Blocks of templates: arrays that are searched and scored, and never changed after they were made.

A search in a block is exact with a bound: FAISS shortlists rows by a float32 or, in large blocks, 8-bit inner product,
whose error is bounded (`Block.shortlist`); who searches scores the shortlist again in float64 and compares the last of
its scores with the bound on all rows left out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

import faiss
import numpy as np
from numpy.typing import NDArray

from recognizer.errors import ContractMismatch
from recognizer.types import Candidate, Vector

QUANTISE_FROM = 50_000
"""Rows from which a block gets 8-bit codes: above this the float32 rows no longer fit the processor's cache."""
NORM_TOLERANCE = 1e-3
"""How far from 1 the length of a vector may be: float32 rounding stays far below, a vector not normalised far above."""

Rows = NDArray[np.int64]
Arrays = tuple[Sequence[int] | Rows, Sequence[str], Vector]
"""template ids (n,), person ids (n,), embeddings (n, d)."""


@dataclass(frozen=True, slots=True, eq=False)
class TemplateRow:
    template_id: int
    person_id: str
    embedding: Vector
    """(d,) float32, L2-normalised."""


class Codes:
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


class Block:
    """Templates in the order of their ids; never changed after it was made."""

    def __init__(self, ids: Rows, people: NDArray[np.object_], matrix: Vector) -> None:
        order = np.argsort(ids, kind="stable")
        if np.any(order != np.arange(len(ids))):
            ids, people, matrix = ids[order], people[order], matrix[order]
        if np.any(ids[1:] == ids[:-1]):
            raise ValueError("A template id occurs twice; every template of a gallery needs an id of its own.")
        self.ids, self.people, self.matrix = ids, people, matrix
        self.codes = Codes(matrix) if len(ids) >= QUANTISE_FROM else None
        self._rows_of: dict[str, list[int]] = {}
        for row, person in enumerate(people):
            self._rows_of.setdefault(person, []).append(row)

    def __len__(self) -> int:
        return len(self.ids)

    def rows_of(self, person_id: str) -> Rows:
        """Rows (m,) of one person's templates, ascending; empty for somebody who has none here."""
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


def ranked(one: tuple[Block, Rows], other: tuple[Block, Rows], probe: Vector) -> Iterator[Candidate]:
    """These rows of both blocks, best score first, equal scores by template id; made one by one as they are read."""
    parts = [(block.score(rows, probe), block.ids[rows], block.people[rows]) for block, rows in (one, other)]
    scores, ids, people = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    for at in np.lexsort((ids, -scores)).tolist():
        yield Candidate(str(people[at]), int(ids[at]), float(scores[at]))


def make_block(rows: Sequence[TemplateRow] | Arrays, dimension: int) -> Block:
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
    return Block(known, _as_objects(people), matrix)


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


def everything(block: Block) -> NDArray[np.bool_]:
    """(n,) True: a mark on every row."""
    return np.ones(len(block), dtype=np.bool_)


def join(*parts: tuple[Block, NDArray[np.bool_]]) -> Block:
    """A new block of the rows marked True."""
    return Block(
        np.concatenate([block.ids[mask] for block, mask in parts]),
        np.concatenate([block.people[mask] for block, mask in parts]),
        np.concatenate([block.matrix[mask] for block, mask in parts]),
    )
