"""Faces that were taken for somebody by mistake, and what a probe like them must reach from then on. Pure.

An operator saw a wrong match and said "not this person". The face's embedding is kept with that person, and whoever
resembles it must do better than it did before that name is given again. Others notice nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from recognizer.types import Vector

RAISE_BY = 0.05
"""A face like the recorded one must beat its comparison score by this much. (The margin that a search asks for.)"""
HIGHEST = 0.99
"""No threshold is raised above this: a stored picture itself is always recognised."""
PAIR_MARGIN_FACTOR = 2.0
"""Between two people who were taken for each other the lead must be this many times the policy's min_margin."""


@dataclass(frozen=True, slots=True, eq=False)
class Confusion:
    """One face that was taken for `person_id`."""

    person_id: str
    embedding: Vector
    """(d,) float32, L2-normalised: the face that was not that person."""
    raised_threshold: float
    """comparison_score that a face like it must reach (inclusive); see `raise_threshold`."""
    other_id: str | None = None
    """Whose face it really was, where that is known and they are enrolled."""


class Confusions:
    """All of one embedding space, by person. Immutable; part of a GallerySnapshot."""

    __slots__ = ("_faces", "_others", "_records")

    def __init__(self, records: Iterable[Confusion] = ()) -> None:
        self._records = tuple(records)
        faces: dict[str, list[Confusion]] = {}
        others: dict[str, set[str]] = {}
        for record in self._records:
            faces.setdefault(record.person_id, []).append(record)
            if record.other_id is not None:
                others.setdefault(record.person_id, set()).add(record.other_id)
                others.setdefault(record.other_id, set()).add(record.person_id)
        self._faces = {person: tuple(own) for person, own in faces.items()}
        self._others = {person: tuple(sorted(ids)) for person, ids in others.items()}

    def __len__(self) -> int:
        return len(self._records)

    def plus(self, record: Confusion) -> Confusions:
        return Confusions((*self._records, record))

    def needed_score(self, probe: Vector, person_id: str, match_threshold: float) -> float | None:
        """What the probe must reach to be named as this person; None when it resembles no recorded face.

        It resembles one from match_threshold (inclusive) on. It must then reach the raised threshold and be at least
        as like the person as it is like the face that was not them: a face nearly the recorded one never gets the name.
        """
        near = [
            max(face.raised_threshold, min(resemblance, HIGHEST))
            for face in self._faces.get(person_id, ())
            if (resemblance := float(face.embedding @ probe)) >= match_threshold
        ]
        return max(near, default=None)

    def mistaken_for(self, person_id: str) -> Sequence[str]:
        """The enrolled people with whom this person was confused, in either direction."""
        return self._others.get(person_id, ())


NONE_RECORDED = Confusions()


def raise_threshold(comparison_score: float) -> float:
    """From the score of a wrong match to what a face like it must reach from then on."""
    return min(comparison_score + RAISE_BY, HIGHEST)
