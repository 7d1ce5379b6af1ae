"""Blocks of templates: arrays that are searched and scored, and never changed after they were made.

A search in a block is exact, because its first step comes with a bound. `Block.shortlist` lists rows by float32 inner
products or, in large blocks, by FAISS's search among two-bit codes. The error of both is bounded, and so are the scores
of all rows left out. The caller scores the listed rows again in float64 and compares the last of these scores with that
bound.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recognizer.errors import ContractMismatch
from recognizer.search.codes import Codes, Rows
from recognizer.search.halves import Halves
from recognizer.types import Candidate, Vector

QUANTISE_FROM = 15_000
"""Rows from which a block gets two-bit codes: about here they begin to win. 20,000 rows took 3.1 ms with and 4.4 ms
without them, 10,000 rows 2.4 and 2.0 ms (EPYC, one thread, in November 2026)."""
HALVE_FROM = 6_000
"""Rows from which a block without codes is looked at in half precision first: below, all of it stays in the processor's
caches, and reading half of it saves nothing."""
UNCODED_SHARE = 4
"""Without codes, one in so many of `count` rows is listed: float32 products are hardly ever out of order."""
CODED_DEPTH = 2_048
"""With codes, `count` rows are listed for every so many rows of the block: one in 32 at first, when `count` is 64."""
IN_CACHE = 256
"""Rows that are compared with many probes at a time: 512 kB of 512 values each stay in the processor's cache."""
NORM_TOLERANCE = 1e-3
"""How far from 1 the length of a vector may be. Rounding to float32 stays far below this; a vector that was not
normalised is far above."""

Arrays = tuple[Sequence[int] | Rows, Sequence[str], Vector]
"""Template ids (n,), person ids (n,) and embeddings (n, d), float32 and L2-normalised."""


@dataclass(frozen=True, slots=True, eq=False)
class TemplateRow:
    template_id: int
    person_id: str
    embedding: Vector
    """(d,) float32, L2-normalised."""


class Shortlist(NamedTuple):
    """Rows that may be among the best."""

    rows: Rows
    """(n,) int64: the rows to score first."""
    bound: float
    """The most that any row in neither `rows` nor `listed` can score; -inf when every row is in `rows`."""
    listed: Rows = np.empty(0, dtype=np.int64)
    """(m,) int64, with codes only: `rows` and more, to score when their ceilings reach what `rows` gave."""
    ceilings: Vector = np.empty(0, dtype=np.float32)
    """(m,) float32: the most that each listed row can score."""


class Block:
    """Templates in the order of their ids; never changed after it was made, but that codes may come later."""

    def __init__(self, ids: Rows, people: NDArray[np.object_], matrix: Vector, *, coded: bool = True) -> None:
        """ids: (n,) int64, in any order; people: (n,) person ids; matrix: (n, d) float32, L2-normalised.

        coded False: without codes until `code` is called. Arrays that are in the order of their ids are kept as they
        are, not copied. Raises ValueError when an id occurs twice.
        """
        order = np.argsort(ids, kind="stable")
        if np.any(order != np.arange(len(ids))):
            ids, people, matrix = ids[order], people[order], matrix[order]
        if np.any(ids[1:] == ids[:-1]):
            raise ValueError("A template id occurs twice; every template of a gallery needs an id of its own.")
        self.ids, self.people, self.matrix = ids, people, matrix
        self._halves = Halves(matrix) if HALVE_FROM <= len(ids) < QUANTISE_FROM else None
        self.codes: Codes | None = None
        if coded:
            self.code()
        self._rows_of: dict[str, list[int]] = {}
        for row, person in enumerate(people):
            self._rows_of.setdefault(person, []).append(row)

    def __len__(self) -> int:
        return len(self.ids)

    def code(self) -> None:
        """Make codes where they pay: seconds for a large block. Searches in other threads go on without them."""
        if self.codes is None and len(self) >= QUANTISE_FROM:
            self.codes = Codes(self.matrix)

    def rows_of(self, person_id: str) -> Rows:
        """Rows (m,) of one person's templates, ascending; empty for a person without templates here."""
        return np.array(self._rows_of.get(person_id, ()), dtype=np.int64)

    def find(self, template_ids: Collection[int]) -> Rows:
        """Rows (m,), ascending, of those template ids that are in this block."""
        wanted = np.unique(np.fromiter(template_ids, dtype=np.int64, count=len(template_ids)))
        rows = np.searchsorted(self.ids, wanted)
        inside = rows < len(self.ids)
        rows, wanted = rows[inside], wanted[inside]
        found: Rows = rows[self.ids[rows] == wanted]
        return found

    def shortlist(self, probe: Vector, count: int) -> Shortlist:
        """Rows that may score best with the probe (d,), float32 and L2-normalised.

        They are at least `count` rows, without codes a quarter of it; all rows when that would be half of them or more.
        """
        codes = self.codes  # read once: another thread may bring them meanwhile
        listed = count // UNCODED_SHARE if codes is None else max(count, count * len(self) // CODED_DEPTH)
        if listed >= len(self) // 2:
            return Shortlist(np.arange(len(self)), -np.inf)
        if codes is not None:
            rows, ceilings, bound = codes.search(probe, listed)
            return Shortlist(rows[:count], bound, rows, ceilings)
        error = _float32_error(len(probe))
        if self._halves is not None:
            rows, bound = self._halves.search(probe, listed)
            return Shortlist(rows, bound + error)
        scores = np.vecdot(self.matrix, probe)  # row by row, so that BLAS starts no threads of its own
        rows = np.argpartition(scores, -listed)[-listed:]
        return Shortlist(rows, float(scores[rows[0]]) + error)

    def best_people(self, probe: Vector, wanted: int, count: int) -> list[Candidate] | None:
        """The best template of each of the `wanted` best people, best first; None: `count` rows leave that open.

        What `ranked` gives of a shortlist, without the steps that only several blocks or codes need: in a small gallery
        they take longer than the search itself. probe: (d,) float32, L2-normalised.
        """
        rows, bound, *_ = self.shortlist(probe, count)
        best = self._first_of_people(rows, self.score(rows, probe), wanted)
        sure = bound == -np.inf or (len(best) == wanted and best[-1].comparison_score > bound)
        return best if sure else None

    def _first_of_people(self, rows: Rows, scores: Vector, wanted: int) -> list[Candidate]:
        """The first row of each of `wanted` people, by score and then by id. For a dozen rows lists beat arrays."""
        best: dict[str, Candidate] = {}
        at, value, people = rows.tolist(), scores.tolist(), self.people
        for place in np.lexsort((rows, -scores)).tolist():  # rows are in the order of their ids
            person = people[at[place]]
            if person not in best:
                best[person] = Candidate(person, int(self.ids[at[place]]), value[place])
                if len(best) == wanted:
                    break
        return list(best.values())

    def reaching(self, shortlist: Shortlist, probe: Vector, score: float) -> Rows:
        """Rows (m,): those listed rows whose score with the probe (d,) may be at least `score`."""
        rows = shortlist.listed[shortlist.ceilings >= score]
        return rows[self._products(rows, probe) >= score - _float32_error(len(probe))]

    def rows_reaching(self, probes: Vector, threshold: float) -> list[Rows]:
        """For each of the probes (n, d) the rows whose score may be at least `threshold`."""
        if not len(self):
            return [np.empty(0, np.int64)] * len(probes)
        least = threshold - _float32_error(self.matrix.shape[1])
        reached = np.empty((len(probes), len(self)), np.bool_)
        for start in range(0, len(self), IN_CACHE):
            some = slice(start, start + IN_CACHE)
            # Row by row: BLAS would start threads for a whole product, and they wait busily for more work afterwards.
            reached[:, some] = np.vecdot(self.matrix[some], probes[:, None]) >= least
        return [np.flatnonzero(rows) for rows in reached]

    def ranked(self, rows: Rows, probe: Vector) -> Iterator[Candidate]:
        """These rows (m,) by their score with the probe (d,), best first, equal scores by template id.

        Candidates are made one by one, as they are read.
        """
        if not len(rows):
            return
        scores = self.score(rows, probe)
        for at in np.lexsort((rows, -scores)).tolist():  # rows are in the order of their ids
            row = rows[at]
            yield Candidate(self.people[row], int(self.ids[row]), float(scores[at]))

    def score(self, rows: Rows, probe: Vector) -> Vector:
        """Exact cosines (m,), float32, of these rows (m,) with the probe (d,).

        Summed in float64, so that equal templates get equal scores wherever they are stored.
        """
        return self._products(rows, probe.astype(np.float64))

    def _products(self, rows: Rows, probe: Vector | NDArray[np.float64]) -> Vector:
        """Inner products (m,) of these rows with the probe (d,), summed in the probe's type."""
        products = np.empty(len(rows), dtype=np.float32)
        for start in range(0, len(rows), 4_096):
            part: NDArray[np.floating] = self.matrix[rows[start : start + 4_096]].astype(probe.dtype, copy=False)
            products[start : start + 4_096] = part @ probe
        return products

    @property
    def nbytes(self) -> int:
        """Memory of vectors, ids and codes, in bytes."""
        helpers = sum(helper.nbytes for helper in (self.codes, self._halves) if helper is not None)
        return self.matrix.nbytes + self.ids.nbytes + self.people.nbytes + helpers


def _float32_error(dimension: int) -> float:
    """Twice the error that a float32 inner product of unit vectors can have: d * 2^-24 (Higham, gamma_n)."""
    return dimension * 2.0**-23


def make_block(rows: Sequence[TemplateRow] | Arrays, dimension: int, *, coded: bool = True) -> Block:
    """A block of these templates, given as rows or as `Arrays` of embeddings (n, d); d is `dimension`.

    Raises ContractMismatch for another dimension, ValueError for a vector that is not L2-normalised or an id that
    occurs twice.
    """
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
    return Block(known, _as_objects(people), matrix, coded=coded)


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
    """(n,) bool, all True: marks every row of the block, for `join`."""
    return np.ones(len(block), dtype=np.bool_)


def join(*parts: tuple[Block, NDArray[np.bool_]]) -> Block:
    """A new block of the rows that are marked True. Each part is a block and its marks, (n,) bool."""
    return Block(
        np.concatenate([block.ids[mask] for block, mask in parts]),
        np.concatenate([block.people[mask] for block, mask in parts]),
        np.concatenate([block.matrix[mask] for block, mask in parts]),
    )
