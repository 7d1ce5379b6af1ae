"""A face that is lost and found again within seconds is still on the same visit: its outcome is told once.

It is judged anew all the same, from frames of its own: whoever takes a decided face's place must not inherit the name.
Only when the new outcome adds nothing to the old one does the track go on under its old number, without a decision.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from recognizer.decisions import Comparison, fuse_embeddings
from recognizer.reasons import Reason
from recognizer.tracking.association import CLEAR_OVERLAP, overlap_matrix
from recognizer.tracking.tracks import Sighting, Track
from recognizer.types import Verdict

VISIT_SECONDS = 8.0
"""How long a face may be gone. Long enough to bend down for a bag; whoever comes later has come again."""
MOST_REMEMBERED = 16
"""Faces remembered after they left, the latest ones: a crowd that walks by must not fill the memory."""
AVERTED = frozenset({Reason.TURNED_AWAY, Reason.TILTED})
OWN_NEWS = frozenset(
    {
        Reason.LIVENESS_UNCERTAIN,
        Reason.LIVENESS_UNAVAILABLE,
        Reason.PERSON_ALREADY_MATCHED,
        Reason.TURNED_OVER,
        Reason.MOUTH_HIDDEN,
    }
)
"""Doubts that are news even where the face was named before: it may be a picture of the same person by now."""


class Visits:
    """The decided tracks of a stream that are no longer in its picture."""

    def __init__(self) -> None:
        self._gone: deque[Track] = deque(maxlen=MOST_REMEMBERED)

    def remember(self, tracks: Iterable[Track]) -> None:
        """These were in the picture and are followed no more."""
        self._gone.extend(track for track in tracks if track.decision is not None)

    def earlier(
        self, track: Track, final: Comparison, *, hidden: Sequence[Track], now: float, least: float
    ) -> Track | None:
        """The track of the same visit whose decision still stands after this outcome; it is forgotten here.

        hidden: tracks that may yet come back by themselves. least: cosine of two looks at one face.
        """
        if track.challenged or track.challenge_passed or track.challenge_failed:  # what comes of it is always news
            return None
        fused = fuse_embeddings(track.evidence)
        for gone in [*reversed(self._gone), *hidden]:
            recent = now - gone.seen_at <= VISIT_SECONDS
            if recent and still_stands(gone, final) and gone.similarity_to(fused) >= least:
                if gone in self._gone:
                    self._gone.remove(gone)
                return gone
        return None


def still_stands(gone: Track, final: Comparison) -> bool:
    """Whether the outcome of another look at the same face leaves what was decided about it as it is."""
    if gone.decision is None:
        return False
    decided = gone.decision.comparison
    if final.verdict == Verdict.ATTACK or decided.verdict == Verdict.ATTACK:
        return decided.verdict == Verdict.ATTACK and final.verdict in (Verdict.ATTACK, Verdict.UNCERTAIN)
    if gone.challenge_failed:
        return True
    if final.verdict == Verdict.UNCERTAIN:
        return decided.verdict == Verdict.UNCERTAIN or not OWN_NEWS & set(final.reasons)
    named = final.person_id if final.verdict == Verdict.MATCH else None
    return (final.verdict, named) == (decided.verdict, gone.names)


def is_only_averted(track: Track, place_of: Track | None, now: float) -> bool:
    """A head that turns away may look like nobody known. In a decided face's place it is waited for, not judged."""
    if place_of is None or now - place_of.seen_at > VISIT_SECONDS:
        return False
    return all(AVERTED & set(one.quality.reasons) for one in track.evidence)


def predecessor(sighting: Sighting, lost: Sequence[Track]) -> Track | None:
    """The decided track, of those whose face is not in this frame, that was in this place when it was last seen."""
    decided = [track for track in lost if track.decision is not None]
    if not decided:
        return None
    boxes = [track.sighting.detection.box_xyxy for track in decided]
    overlaps = overlap_matrix(boxes, [sighting.detection.box_xyxy])[:, 0]
    best = int(overlaps.argmax())
    return decided[best] if overlaps[best] >= CLEAR_OVERLAP else None
