"""Blocks of templates: arrays that are searched and scored, and never changed after they were made.

A search in a block is exact. It takes float32 inner products with all rows or, in a large block, with those that FAISS
finds among two-bit codes. The error of these products is bounded, and so are the scores of rows that FAISS left out. So
few rows can be in the answer, and only those are scored in float64.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from recognizer.errors import ContractMismatch
from recognizer.search.codes import Codes, Rows
from recognizer.types import Candidate, Vector

LISTED = 4_600
"""With codes, a search lists this many rows times the root of the block's rows over the dimension: 569 of 4,000 and
2,841 of 100,000 with 512 values. That settled each of 100 searches at once, with 192 and 128 values too, and 38 of 40
among a million."""
CODED_FROM = 6_000
"""Rows from which a block may have codes: with 512 values they win from here on (EPYC, one thread, November 2026)."""
LISTED_SHARE = 7
"""And one in so many rows at most is listed. Fewer values tell less: codes win from 28,000 rows with 192 of them, and
from 63,000 with 128."""
SHORTLIST = 64
"""Listed rows that are looked at first, to see what score the others must reach."""
PRODUCT_SIZE = 400_000
"""Most values of a matrix that are multiplied with a probe at a time. From 460,800 on OpenBLAS wakes its threads, which
then spin for milliseconds on the cores that the models need."""
GONE = -np.inf
"""The score of a row that is passed over."""
LOWEST = -2.0
"""Less than any cosine, and more than GONE."""
MULTIPLIED, IN_CACHE = 262_144, 32
"""Most multiplications of two matrices at a time, for the same reason, and the rows of a block that take part in them:
those and their probes stay in the processor's cache."""
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
        self._margin = _margin(matrix.shape[1])
        self.codes: Codes | None = None
        if coded:
            self.code()
        self._rows_of = _places_by_person(people)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def lacks_codes(self) -> bool:
        """Whether it has no codes where they pay."""
        return self.codes is None and len(self) >= max(CODED_FROM, LISTED_SHARE * self._listed)

    @property
    def _listed(self) -> int:
        """How many rows a search lists at first by their codes."""
        return int(LISTED * math.sqrt(len(self)) / self.matrix.shape[1])

    def code(self) -> None:
        """Make codes where they pay: seconds for a large block. Searches in other threads go on without them."""
        if self.lacks_codes:
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

    def search(self, probe: Vector, wanted: int, alive: NDArray[np.bool_] | None = None) -> list[Candidate]:
        """The best templates of the `wanted` best people, best first, and few others that score nearly as much.

        probe: (d,) float32, L2-normalised; alive: (n,), False for rows to pass over.
        """
        codes = self.codes  # read once: another thread may bring them meanwhile
        found = None if codes is None else self._search_listed(codes, probe, wanted, alive)
        if found is not None:
            return found
        scores = inner_products(self.matrix, probe)
        if alive is not None:
            scores[~alive] = GONE
        return self.score(_leading(scores, self.people, self._rows_of, wanted, self._margin)[0], probe)

    def _search_listed(
        self, codes: Codes, probe: Vector, wanted: int, alive: NDArray[np.bool_] | None
    ) -> list[Candidate] | None:
        """What `search` finds among rows that look best by their codes; None when that settles nothing."""
        first = max(SHORTLIST, 8 * wanted)
        count = max(first, self._listed)
        while count < len(self) // 2:
            rows, ceilings, bound = codes.search(probe, count)
            if alive is not None:
                rows, ceilings = rows[alive[rows]], ceilings[alive[rows]]
            _, least = self._leading(rows[:first], inner_products(self.matrix, probe, rows[:first]), wanted)
            rows = rows[ceilings >= least]
            scores = inner_products(self.matrix, probe, rows)
            near = scores >= least
            leading, least = self._leading(rows[near], scores[near], wanted)
            if bound < least:
                return self.score(leading, probe)
            count *= 4
        return None

    def _leading(self, rows: Rows, scores: Vector, wanted: int) -> tuple[Rows, float]:
        """Those of these rows (m,) that `_leading` finds by their scores (m,)."""
        people = self.people[rows]
        places, least = _leading(scores, people, _places_by_person(people), wanted, self._margin)
        return rows[places], least

    def rows_reaching(self, probes: Vector, threshold: float) -> list[Rows]:
        """For each of the probes (n, d) the rows whose score may be at least `threshold`."""
        if not len(self):
            return [np.empty(0, np.int64)] * len(probes)
        least = threshold - self._margin
        reached = np.empty((len(probes), len(self)), np.bool_)
        step = max(1, MULTIPLIED // (IN_CACHE * probes.shape[1]))
        for start in range(0, len(self), IN_CACHE):
            some = slice(start, start + IN_CACHE)
            columns = self.matrix[some].T
            for first in range(0, len(probes), step):
                those = slice(first, first + step)
                reached[those, some] = probes[those] @ columns >= least
        return [np.flatnonzero(rows) for rows in reached]

    def score(self, rows: Rows | Sequence[int], probe: Vector) -> list[Candidate]:
        """These rows (m,) by their exact cosines with the probe (d,), rounded to float32, best first.

        Summed in float64, so that equal templates get equal scores wherever they are stored.
        """
        if not len(rows):
            return []
        exact = self.matrix.take(rows, axis=0).dot(probe.astype(np.float64)).astype(np.float32)
        ids, people = self.ids.item, self.people.item  # numbers and names as Python has them, one by one
        scores = exact.tolist()
        return ranked([Candidate(people(row), ids(row), score) for row, score in zip(rows, scores, strict=True)])

    @property
    def nbytes(self) -> int:
        """Memory of vectors, ids and codes, in bytes."""
        codes = 0 if self.codes is None else self.codes.nbytes
        return self.matrix.nbytes + self.ids.nbytes + self.people.nbytes + codes


def ranked(candidates: list[Candidate]) -> list[Candidate]:
    """The same list, sorted: best first, equal scores by template id."""
    candidates.sort(key=_place)
    return candidates


def _place(candidate: Candidate) -> tuple[float, int]:
    return -candidate[2], candidate[1]


def inner_products(matrix: Vector, probe: Vector, rows: Rows | None = None) -> Vector:
    """(m,) float32: of a matrix (n, d), or of these rows (m,) of it, with the probe (d,); on this thread alone."""
    if rows is None and matrix.size <= PRODUCT_SIZE:
        whole: Vector = matrix.dot(probe)
        return whole
    products = np.empty(len(matrix) if rows is None else len(rows), dtype=np.float32)
    step = max(1, PRODUCT_SIZE // len(probe))
    for start in range(0, len(products), step):
        part = slice(start, start + step)
        values = matrix[part] if rows is None else matrix.take(rows[part], axis=0)
        values.dot(probe, products[part])
    return products


def _margin(dimension: int) -> float:
    """Two rows whose float32 inner products with a probe are further apart than this are so in exact scores too.

    A float32 inner product of unit vectors is off by d * 2^-24 at most (Higham, gamma_n). This is four times as much:
    twice for the two of them, and twice again for lengths within NORM_TOLERANCE of 1 and the rounding of exact scores.
    """
    return (dimension + 1) * 2.0**-22


def _places_by_person(people: NDArray[np.object_]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for place, person in enumerate(people.tolist()):
        places.setdefault(person, []).append(place)
    return places


def _leading(
    scores: Vector, people: NDArray[np.object_], places_of: Mapping[str, Sequence[int]], wanted: int, margin: float
) -> tuple[list[int], float]:
    """Places of all rows that may be the best of one of the `wanted` best people, and a float32 score that every row
    reaches which may be one; LOWEST while people are missing.

    scores: (n,) float32, overwritten; people: (n,), whose row it is; places_of: the places of each person's rows.
    """
    leading: list[int] = []
    least = LOWEST
    values = cast("memoryview[float]", scores.data)  # single values are read and written sooner than in an array
    while len(values):
        place = scores.argmax()
        if values[place] < least:
            break
        near = values[place] - margin
        for own in places_of[people[place]]:
            if values[own] >= near:
                leading.append(own)
            values[own] = GONE
        wanted -= 1
        if not wanted:
            least = near
    return leading, least


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


def join(*parts: tuple[Block, NDArray[np.bool_]], coded: bool = True) -> Block:
    """A new block of the rows that are marked True. Each part: a block and its marks, (n,) bool; coded: as in Block."""
    return Block(
        np.concatenate([block.ids[mask] for block, mask in parts]),
        np.concatenate([block.people[mask] for block, mask in parts]),
        np.concatenate([block.matrix[mask] for block, mask in parts]),
        coded=coded,
    )
