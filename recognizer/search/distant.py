"""1:N search where the vectors lie in an engine beside this process: it proposes, and the owner of the truth decides.

The engine's answer is a proposal: rows with a score in float32. Who they belong to now, and whether they may be found
at all, is read from the truth (a database), and these few people's vectors are scored again in float64. So a decision
is the same to the last digit as with `GallerySnapshot`, and nobody is named whom the truth no longer knows, whatever
the engine still holds. People who changed lately are in a small snapshot here and are never asked of the engine: what
was written a moment ago is found at once, and what was erased is gone at once, however late the engine hears of it.

Exactness: the engine's search is exact but for rounding (a FLAT index), so rows that were not read score at most as
much as the last one that was proposed, plus the error of float32. The answer counts only when its last score is above
that; otherwise more is read, then more is asked for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Protocol

import numpy as np

from recognizer.search.blocks import SHORTLIST, TemplateRow
from recognizer.search.confusions import NONE_RECORDED, Confusions
from recognizer.search.galleries import of_whom_it_is_reached, require_same_space
from recognizer.search.gallery import GallerySnapshot
from recognizer.types import Candidate, Vector

SPARE = 3
"""People whose vectors are read beyond those that are wanted, before it is known that they are needed."""
MOST_PROPOSALS = 16_384
"""Milvus gives no more rows than this for one search."""
REMEMBERED = 2_000
"""People whose vectors are kept until they change: whoever stands before a camera is searched frame by frame."""


class Proposal(NamedTuple):
    """A row that the engine finds similar."""

    person_id: str
    score: float
    """Inner product in float32."""


class VectorIndex(Protocol):
    """An engine that holds vectors and searches them exactly, but for rounding."""

    def propose(self, probe: Vector, count: int) -> Sequence[Proposal]:
        """The `count` most similar rows, best first; fewer when it holds no more. Raises GalleryAway."""


Reader = Callable[[Collection[str]], Iterable[TemplateRow]]
"""Reads all templates that may be searched now of these people from the truth."""


class LastRead:
    """People's templates as they were read last. Another one for each revision: whoever changed is left out of it."""

    def __init__(self, people: Mapping[str, Sequence[TemplateRow]] | None = None) -> None:
        self._lock = threading.Lock()
        self._people = dict(people or {})

    def get(self, person_id: str) -> Sequence[TemplateRow] | None:
        return self._people.get(person_id)

    def keep(self, person_id: str, rows: Sequence[TemplateRow]) -> None:
        with self._lock:
            while len(self._people) >= REMEMBERED:
                del self._people[next(iter(self._people))]
            self._people[person_id] = rows

    def without(self, changed: Collection[str]) -> LastRead:
        with self._lock:
            return LastRead({person: rows for person, rows in self._people.items() if person not in changed})


@dataclass(frozen=True, eq=False)
class DistantGallery:
    """See recognizer.search.galleries.Gallery."""

    index: VectorIndex
    read: Reader
    counts: Mapping[str, int]
    """Person id -> number of templates, of everybody who may be found."""
    recent: GallerySnapshot
    """The templates of those who changed lately, all of them."""
    changed: Collection[str]
    """Who changed lately, those who are gone included: what the engine says of them counts for nothing."""
    contract_id: str
    dimension: int
    revision: int
    templates: int
    remembered: LastRead = field(default_factory=LastRead)
    confusions: Confusions = NONE_RECORDED
    left_out: frozenset[int] = frozenset()
    """Template ids that are passed over."""

    @property
    def people(self) -> int:
        return len(self.counts)

    @property
    def nbytes(self) -> int:
        return self.recent.nbytes

    def __contains__(self, person_id: object) -> bool:
        return person_id in self.counts

    def require_contract(self, contract_id: str) -> None:
        require_same_space(self.contract_id, contract_id)

    def with_confusions(self, confusions: Confusions) -> DistantGallery:
        return replace(self, confusions=confusions)

    def without(self, template_ids: Collection[int]) -> DistantGallery:
        return replace(self, left_out=self.left_out | set(template_ids))

    def search(self, probe: Vector, limit: int = 5) -> list[Candidate]:
        wanted, count = max(min(limit, self.people), 0), max(SHORTLIST, 8 * limit)
        recent = self._recent.search(probe, wanted)  # first: it refuses a probe that is none
        while wanted:
            proposals = self.index.propose(probe, count)
            complete = len(proposals) < count
            reached: dict[str, float] = {}
            for proposal in proposals:
                if proposal.person_id in self.counts and proposal.person_id not in self.changed:
                    reached.setdefault(proposal.person_id, proposal.score)
            below = -np.inf if complete else proposals[-1].score
            for number in (wanted + SPARE, len(reached)):
                best = self._best(probe, list(reached)[:number], recent, wanted)
                bound = max([below, *list(reached.values())[number : number + 1]]) + self._float32_error
                last = best[-1].comparison_score if len(best) == wanted else -np.inf
                if bound == -np.inf or last > bound:
                    return best
            if count == MOST_PROPOSALS:
                return best
            count = min(4 * count, MOST_PROPOSALS)
        return []

    def reaching(self, probes: Vector, threshold: float, limit: int) -> list[list[Candidate]]:
        return of_whom_it_is_reached(threshold, (self.search(probe, limit) for probe in probes))

    def compare(self, probe: Vector, person_id: str) -> Candidate | None:
        return self._of([person_id]).compare(probe, person_id)

    def scores(self, probe: Vector, person_id: str) -> list[float]:
        return self._of([person_id]).scores(probe, person_id)

    def best_template(self, probe: Vector, person_id: str) -> Vector | None:
        return self._of([person_id]).best_template(probe, person_id)

    def _best(self, probe: Vector, people: Sequence[str], recent: Sequence[Candidate], wanted: int) -> list[Candidate]:
        """The `wanted` best of these people and of those who changed lately, scored in float64."""
        found = [*self._snapshot_of(people).search(probe, wanted), *recent]
        return sorted(found, key=lambda one: (-one.comparison_score, one.template_id))[:wanted]

    @property
    def _recent(self) -> GallerySnapshot:
        return self.recent.without(self.left_out) if self.left_out else self.recent

    def _of(self, people: Sequence[str]) -> GallerySnapshot:
        return self._recent if people[0] in self.changed else self._snapshot_of(people)

    def _snapshot_of(self, people: Sequence[str]) -> GallerySnapshot:
        """These people's templates, read where they are not remembered."""
        missing = [person for person in people if person in self.counts and self.remembered.get(person) is None]
        if missing:
            read: dict[str, list[TemplateRow]] = {person: [] for person in missing}
            for row in self.read(missing):
                read[row.person_id].append(row)
            for person, rows in read.items():
                self.remembered.keep(person, rows)
        else:
            read = {}
        rows = [
            row
            for person in people
            for row in (read.get(person) or self.remembered.get(person) or ())
            if row.template_id not in self.left_out
        ]
        return GallerySnapshot.build(
            rows, contract_id=self.contract_id, dimension=self.dimension, revision=self.revision
        )

    @property
    def _float32_error(self) -> float:
        """As in blocks.py, once for the engine's sum."""
        return self.dimension * 2.0**-23
