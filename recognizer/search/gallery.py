"""Exact 1:N search over templates: an immutable snapshot, and the next one derived from it.

A snapshot holds two blocks of templates: a large one that later snapshots share, and a small one that each change
copies. Removed templates of the large block are only marked. So one insert into 100,000 templates copies at most
SMALL_BLOCK_LIMIT rows, and a search that runs meanwhile on the older snapshot sees nothing of it.

Exactness: a block's shortlist comes with a bound on the scores of all rows left out. The shortlist is scored again in
float64, and the answer counts only when its last score is above that bound. Otherwise it grows, in the end to all rows.
In large blocks the bound may fail: a chance below one in 134,000 per template and search (`recognizer.search.codes`).
"""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import faiss
import numpy as np
from numpy.typing import NDArray

from recognizer.errors import ContractMismatch
from recognizer.search.blocks import NORM_TOLERANCE, Arrays, Block, TemplateRow, everything, join, make_block
from recognizer.search.codes import Rows
from recognizer.search.confusions import NONE_RECORDED, Confusions
from recognizer.search.galleries import of_whom_it_is_reached, require_same_space
from recognizer.types import Candidate, Vector

SMALL_BLOCK_LIMIT = 4_096
"""Most templates in the block that every change copies."""
SHORTLIST = 64
"""Rows that are scored exactly at first. On 30,000 real 512-d embeddings that settled every search at once."""


class GallerySnapshot:
    """Everybody's templates of one embedding space at one revision. Immutable; safe to search from many threads."""

    __slots__ = (
        "__weakref__",
        "_alive",
        "_counts",
        "_is_whole",
        "_large",
        "_small",
        "confusions",
        "contract_id",
        "dimension",
        "revision",
    )

    def __init__(
        self,
        large: Block,
        small: Block,
        *,
        alive: NDArray[np.bool_],
        counts: Mapping[str, int],
        contract_id: str,
        dimension: int,
        revision: int,
        confusions: Confusions = NONE_RECORDED,
    ) -> None:
        """Call `build` or `updated` instead.

        alive: (n,) bool, one for each row of the large block, False for removed templates; counts: person id to number
        of templates.
        """
        self.confusions = confusions
        self._large, self._small, self._alive, self._counts = large, small, alive, counts
        self._is_whole = not len(small) and bool(alive.all())
        self.contract_id, self.dimension, self.revision = contract_id, dimension, revision

    @classmethod
    def build(
        cls,
        rows: Sequence[TemplateRow] | Arrays,
        *,
        contract_id: str,
        dimension: int,
        revision: int,
        coded: bool = True,
    ) -> GallerySnapshot:
        """A snapshot of these templates, given as rows or as `Arrays` of embeddings (n, d); d is `dimension`.

        coded False: a large one can be searched at once, and as fast as ever from when `code` has been called.

        A float32 matrix in the order of its ids is used as it is, not copied. Raises ContractMismatch for a wrong
        dimension, ValueError for a vector that is not L2-normalised or an id that occurs twice.
        """
        large = make_block(rows, dimension, coded=coded)
        return cls(
            large,
            make_block((), dimension),
            alive=everything(large),
            counts=Counter(large.people.tolist()),
            contract_id=contract_id,
            dimension=dimension,
            revision=revision,
        )

    @property
    def people(self) -> int:
        """Number of people with templates here."""
        return len(self._counts)

    @property
    def templates(self) -> int:
        """Number of templates, without the removed ones."""
        return int(np.count_nonzero(self._alive)) + len(self._small)

    @property
    def nbytes(self) -> int:
        """Memory of the vectors, codes and ids in bytes."""
        return self._large.nbytes + self._small.nbytes + self._alive.nbytes

    def code(self) -> None:
        """Make the codes that `build` left for later, if any: seconds. Snapshots derived from this one get them too."""
        self._large.code()

    def __contains__(self, person_id: object) -> bool:
        return person_id in self._counts

    def require_contract(self, contract_id: str) -> None:
        """Raises ContractMismatch when probes of `contract_id` must not be compared with these templates."""
        require_same_space(self.contract_id, contract_id)

    def updated(
        self, *, added: Sequence[TemplateRow] = (), removed: Collection[int] = (), revision: int
    ) -> GallerySnapshot:
        """The next snapshot, with these templates added and the templates of these ids removed.

        An id to remove that is not here is ignored. An added id that is here replaces that template. Raises what
        `build` raises. This snapshot stays as it is in any case.
        """
        new = make_block(added, self.dimension)
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
        large, small = self._large, join((self._small, stays), (new, everything(new)))
        if len(small) > SMALL_BLOCK_LIMIT or np.count_nonzero(~alive) > max(SMALL_BLOCK_LIMIT, len(large) // 8):
            large = join((large, alive), (small, everything(small)))
            small, alive = make_block((), self.dimension), everything(large)
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
        """The same templates, with these confusions (of the same embedding space) instead of the present ones."""
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

    def without(self, template_ids: Collection[int]) -> GallerySnapshot:
        """The same revision, as if these templates were not there. An id that is not here is ignored."""
        return self.updated(removed=template_ids, revision=self.revision)

    def search(self, probe: Vector, limit: int = 5) -> list[Candidate]:
        """The `limit` best people, best first: for each a Candidate with their best template. Ties: lower template id.

        probe: (d,) float32, L2-normalised. Raises ContractMismatch for another dimension, ValueError for a probe that
        holds NaN or is not normalised.
        """
        probe = self._check_probe(probe)
        faiss.omp_set_num_threads(1)  # OpenMP counts per calling thread; the engine's pool has a thread per core
        wanted, count = max(min(limit, self.people), 0), max(SHORTLIST, 8 * limit)
        if not wanted:
            return []
        if self._is_whole and self._large.codes is None:  # the usual case of a small gallery
            while (best := self._large.best_people(probe, wanted, count)) is None:
                count *= 4
            return best
        while True:
            large, small = self._large.shortlist(probe, count), self._small.shortlist(probe, count)
            best = self._best(probe, wanted, large.rows, small.rows)
            if len(large.listed):
                reaching = self._large.reaching(large, probe, _last_score(best, wanted))
                best = self._best(probe, wanted, reaching, small.rows)
            bound = max(large.bound, small.bound)
            if bound == -np.inf or _last_score(best, wanted) > bound:
                return best
            count *= 4

    def reaching(self, probes: Vector, threshold: float, limit: int) -> list[list[Candidate]]:
        """As Gallery.reaching() says. Each template is read once for all probes, where no codes spare the reading."""
        if self._large.codes is not None:
            return of_whom_it_is_reached(threshold, (self.search(probe, limit) for probe in probes))
        probes = np.stack([self._check_probe(probe) for probe in probes])
        large, small = self._large.rows_reaching(probes, threshold), self._small.rows_reaching(probes, threshold)
        found = (self._best(probe, limit, *rows) for probe, *rows in zip(probes, large, small, strict=True))
        return of_whom_it_is_reached(threshold, found)

    def compare(self, probe: Vector, person_id: str) -> Candidate | None:
        """1:1: the person's best template for the probe (d,); None without templates here. Raises as `search` does."""
        return next(self._own(probe, person_id), None)

    def scores(self, probe: Vector, person_id: str) -> list[float]:
        """The scores of all templates of one person with the probe (d,), best first. Raises as `search` does."""
        return [candidate.comparison_score for candidate in self._own(probe, person_id)]

    def best_template(self, probe: Vector, person_id: str) -> Vector | None:
        """The template (d,) that `compare` finds; None without templates here. Raises as `search` does."""
        best = self.compare(probe, person_id)
        if best is None:
            return None
        row = self._small.find([best.template_id])
        block, row = (self._small, row) if len(row) else (self._large, self._large.find([best.template_id]))
        found: Vector = block.matrix[row[0]]
        return found

    def _own(self, probe: Vector, person_id: str) -> Iterator[Candidate]:
        """All templates of one person, best first."""
        rows = self._large.rows_of(person_id), self._small.rows_of(person_id)
        return self._ranked(self._check_probe(probe), *rows)

    def _best(self, probe: Vector, wanted: int, large: Rows, small: Rows) -> list[Candidate]:
        """The best template of each of the `wanted` best people among these rows of the two blocks."""
        best: dict[str, Candidate] = {}
        for candidate in self._ranked(probe, large, small):
            if len(best) >= wanted:
                break
            best.setdefault(candidate.person_id, candidate)
        return list(best.values())

    def _ranked(self, probe: Vector, large: Rows, small: Rows) -> Iterator[Candidate]:
        """These rows of the two blocks but for removed ones, best score first, equal scores by template id."""
        living = large[self._alive[large]]
        if not len(small):  # the usual case, and in a small gallery merging costs as much as all the rest
            return self._large.ranked(living, probe)
        return heapq.merge(self._large.ranked(living, probe), self._small.ranked(small, probe), key=_rank)

    def _check_probe(self, probe: Vector) -> Vector:
        if probe.shape != (self.dimension,):
            raise ContractMismatch(
                f"The probe has the shape {probe.shape}, but the gallery's templates have {self.dimension} values."
            )
        probe = np.ascontiguousarray(probe, dtype=np.float32)
        norm = math.sqrt(float(probe @ probe))
        if not abs(norm - 1.0) <= NORM_TOLERANCE:  # also true for NaN
            raise ValueError(f"The probe has the length {norm:g}; a gallery is searched with L2-normalised embeddings.")
        return probe


def _rank(candidate: Candidate) -> tuple[float, int]:
    return -candidate.comparison_score, candidate.template_id


def _last_score(best: Sequence[Candidate], wanted: int) -> float:
    """The score that other rows must reach to be among the `wanted` best; -inf while people are missing."""
    return best[-1].comparison_score if best and len(best) == wanted else -np.inf


def _count(counts: Mapping[str, int], *, gained: Iterable[str], lost: Iterable[str]) -> dict[str, int]:
    """Templates per person after a change. A person with none left is not listed."""
    after = dict(counts)
    for person in gained:
        after[person] = after.get(person, 0) + 1
    for person in lost:
        after[person] -= 1
        if not after[person]:
            del after[person]
    return after
