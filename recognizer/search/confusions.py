"""Recorded wrong matches, and the score that a similar probe must reach from then on. Pure functions and values.

An operator saw a wrong match and said "not this person". The face's embedding is kept with that person. A probe that
resembles this face must then score higher than the face did before it gets the person's name. All other probes are
judged as before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from recognizer.types import Vector

RAISE_BY = 0.05
"""A face like the recorded one must beat the recorded comparison score by this much: the margin of a search, too."""
HIGHEST = 0.99
"""Nothing asks for more than this, so that a person's stored picture itself is always recognised."""
PAIR_MARGIN_FACTOR = 2.0
"""A match must lead everybody who was once confused with that person by this many times the policy's min_margin."""


@dataclass(frozen=True, slots=True, eq=False)
class Confusion:
    """One face that was taken for `person_id`."""

    person_id: str
    embedding: Vector
    """(d,) float32, L2-normalised: the face that was not that person."""
    raised_threshold: float
    """The comparison score that a face like it must reach (inclusive); see `raise_threshold`."""
    other_id: str | None = None
    """The enrolled person whose face it really was; None where that is not known or the person is not enrolled."""


class Confusions:
    """All confusions of one embedding space, by person. Immutable; part of a GallerySnapshot."""

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
        """A new value with this record as well."""
        return Confusions((*self._records, record))

    def needed_score(self, probe: Vector, person_id: str, match_threshold: float) -> float | None:
        """The score that the probe (d,) must reach (inclusive) to be named as this person.

        None when the probe resembles no face recorded for the person: its cosine with each is below match_threshold.
        A probe that resembles a recorded face must reach the raised threshold, and must be at least as similar to the
        person as to that face. So a face that is nearly the recorded one never gets the name.
        """
        near = [
            max(face.raised_threshold, min(resemblance, HIGHEST))
            for face in self._faces.get(person_id, ())
            if (resemblance := float(face.embedding @ probe)) >= match_threshold
        ]
        return max(near, default=None)

    def mistaken_for(self, person_id: str) -> Sequence[str]:
        """Ids of the enrolled people with whom this person was confused, in either direction."""
        return self._others.get(person_id, ())


NONE_RECORDED = Confusions()


def raise_threshold(comparison_score: float) -> float:
    """The score that a face like this wrong match must reach from then on, from the score that the match had."""
    return min(comparison_score + RAISE_BY, HIGHEST)
