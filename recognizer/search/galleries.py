"""What every gallery can do: with its vectors in this process (gallery.py), or in an engine beside it (distant.py).

Both give the same answers to the last digit, so whoever searches does not ask which one it has.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Protocol

from recognizer.errors import ContractMismatch
from recognizer.search.confusions import Confusions
from recognizer.types import Candidate, Vector


class Gallery(Protocol):
    """Everybody's templates of one embedding space at one revision. Safe to search from many threads.

    Whatever searches or compares raises ContractMismatch for a probe of another dimension, ValueError for one that is
    not L2-normalised, and GalleryAway where the vectors cannot be reached.
    """

    @property
    def contract_id(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    @property
    def revision(self) -> int: ...

    @property
    def confusions(self) -> Confusions: ...

    @property
    def people(self) -> int:
        """Number of people with templates here."""

    @property
    def templates(self) -> int:
        """Number of templates."""

    @property
    def nbytes(self) -> int:
        """Memory that the vectors take in this process, in bytes."""

    def __contains__(self, person_id: object, /) -> bool: ...

    def require_contract(self, contract_id: str) -> None:
        """Raises ContractMismatch when probes of `contract_id` must not be compared with these templates."""

    def search(self, probe: Vector, limit: int = 5) -> list[Candidate]:
        """The `limit` best people, best first: for each a Candidate with their best template. Ties: lower template id.

        probe: (d,) float32, L2-normalised.
        """

    def reaching(self, probes: Vector, threshold: float, limit: int) -> list[list[Candidate]]:
        """search() for each of the probes (n, d), one or more, without those below the threshold (inclusive)."""

    def compare(self, probe: Vector, person_id: str) -> Candidate | None:
        """1:1: the person's best template for the probe (d,); None without templates here."""

    def scores(self, probe: Vector, person_id: str) -> list[float]:
        """The scores of all templates of one person with the probe (d,), best first."""

    def best_template(self, probe: Vector, person_id: str) -> Vector | None:
        """The template (d,) that `compare` finds; None without templates here."""

    def with_confusions(self, confusions: Confusions) -> Gallery:
        """The same templates, with these confusions (of the same embedding space) instead of the present ones."""

    def without(self, template_ids: Collection[int]) -> Gallery:
        """The same revision, as if these templates were not there. An id that is not here is ignored."""


def require_same_space(held: str, asked: str) -> None:
    """Raises ContractMismatch when a gallery holds templates of another embedding space than the probes are of."""
    if held != asked:
        raise ContractMismatch(
            f"The gallery holds templates of {held}, but the engine computes {asked}. "
            "Run rebuild_templates, or start with the model pack that the templates were made with."
        )


def of_whom_it_is_reached(threshold: float, found: Iterable[Iterable[Candidate]]) -> list[list[Candidate]]:
    """Each list without the candidates below the threshold."""
    return [[candidate for candidate in best if candidate.comparison_score >= threshold] for best in found]
