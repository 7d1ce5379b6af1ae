"""Exact 1:N search over templates: an immutable snapshot, and the next one derived from it.

A snapshot holds two blocks of templates: a large one that later snapshots share, and a small one that each change
copies. Removed templates of the large block are only marked. So one insert into 100,000 templates copies at most
SMALL_BLOCK_LIMIT rows, and a search that runs meanwhile on the older snapshot sees nothing of it.

Each block answers for itself, exactly, and the best of both answers are the snapshot's. Only where a large block has
codes may it overlook a template: a chance below one in 134,000 per template and search (`recognizer.search.codes`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from recognizer.errors import ContractMismatch
from recognizer.search.blocks import NORM_TOLERANCE, Arrays, Block, TemplateRow, everything, join, make_block, ranked
from recognizer.search.confusions import NONE_RECORDED, Confusions
from recognizer.search.galleries import of_whom_it_is_reached, require_same_space
from recognizer.types import Candidate, Vector

SMALL_BLOCK_LIMIT = 4_096
"""Most templates in the block that every change copies."""


class GallerySnapshot:
    """Everybody's templates of one embedding space at one revision. Immutable; safe to search from many threads."""

    __slots__ = (
        "__weakref__",
        "_alive",
        "_counts",
        "_large",
        "_living",
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
        self._living = None if alive.all() else alive
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

    @property
    def lacks_codes(self) -> bool:
        """Whether `code` has something to do."""
        return self._large.lacks_codes

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
        new = make_block(added, self.dimension, coded=False)
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
        large, small = self._large, join((self._small, stays), (new, everything(new)), coded=False)
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
        probe, wanted = self._check_probe(probe), min(limit, len(self._counts))
        if wanted < 1:
            return []
        best = self._large.search(probe, wanted, self._living)
        if len(self._small):
            best = ranked(best + self._small.search(probe, wanted))
        return best if len(best) == wanted else _first_of_each(best)[:wanted]

    def reaching(self, probes: Vector, threshold: float, limit: int) -> list[list[Candidate]]:
        """As Gallery.reaching() says. Each template is read once for all probes, where no codes spare the reading."""
        if self._large.codes is not None:
            return of_whom_it_is_reached(threshold, (self.search(probe, limit) for probe in probes))
        probes = np.stack([self._check_probe(probe) for probe in probes])
        large, small = self._large.rows_reaching(probes, threshold), self._small.rows_reaching(probes, threshold)
        near = (
            ranked(self._large.score(rows[self._alive[rows]], probe) + self._small.score(others, probe))
            for probe, rows, others in zip(probes, large, small, strict=True)
        )
        return of_whom_it_is_reached(threshold, (_first_of_each(found)[: max(limit, 0)] for found in near))

    def compare(self, probe: Vector, person_id: str) -> Candidate | None:
        """1:1: the person's best template for the probe (d,); None without templates here. Raises as `search` does."""
        return next(iter(self._own(probe, person_id)), None)

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

    def _own(self, probe: Vector, person_id: str) -> list[Candidate]:
        """All templates of one person, best first."""
        probe, rows = self._check_probe(probe), self._large.rows_of(person_id)
        found = self._large.score(rows[self._alive[rows]], probe)
        if len(self._small):
            found = ranked(found + self._small.score(self._small.rows_of(person_id), probe))
        return found

    def _check_probe(self, probe: Vector) -> Vector:
        if probe.shape != (self.dimension,):
            raise ContractMismatch(
                f"The probe has the shape {probe.shape}, but the gallery's templates have {self.dimension} values."
            )
        probe = np.ascontiguousarray(probe, dtype=np.float32)
        norm = math.sqrt(float(probe.dot(probe)))
        if not abs(norm - 1.0) <= NORM_TOLERANCE:  # also true for NaN
            raise ValueError(f"The probe has the length {norm:g}; a gallery is searched with L2-normalised embeddings.")
        return probe


def _first_of_each(found: Iterable[Candidate]) -> list[Candidate]:
    """The first template of each person."""
    first: dict[str, Candidate] = {}
    for candidate in found:
        first.setdefault(candidate.person_id, candidate)
    return list(first.values())


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
