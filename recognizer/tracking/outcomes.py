"""What one frame of a stream has shown: every face with what its track knows, decisions, news of a challenge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from recognizer.decisions import Comparison, Conclusion
from recognizer.reasons import Reason
from recognizer.tracking.challenge_run import ChallengeProgress
from recognizer.tracking.tracks import Decision, Sighting, Track
from recognizer.types import Liveness, Verdict


@dataclass(frozen=True, slots=True, eq=False)
class TrackedFace:
    """One face of one frame, with what its track knows so far."""

    track: int
    sighting: Sighting
    """Where the face is in this frame, and how good it looks."""
    liveness: Liveness
    comparison: Comparison
    """What was decided; before that the verdict is PENDING and the scores are those so far."""
    conclusion: Conclusion
    """What the frames said together: how many were seen, how many agreed."""

    @property
    def verdict(self) -> Verdict:
        return self.comparison.verdict

    @property
    def person_id(self) -> str | None:
        """The best candidate so far; only a match names them."""
        return self.comparison.person_id


@dataclass(frozen=True, slots=True, eq=False)
class FrameOutcome:
    """What one frame has shown."""

    faces: tuple[TrackedFace, ...]
    """Largest first."""
    decisions: tuple[Decision, ...]
    """Those made in this frame, by number of the track."""
    match_threshold: float
    """What this frame's scores were held against."""
    timings_ms: Mapping[str, float]
    """detect, quality (with alignment), embed, search, liveness, total."""
    challenge: ChallengeProgress | None = None
    """Only when there is something new to tell."""


def shown_faces(tracks: Sequence[Track]) -> tuple[TrackedFace, ...]:
    """What the page shows of each face. A name is shown once, at the better score, even where two tracks have it."""
    owners: dict[str | None, Track] = {}
    for track in sorted(tracks, key=_shown_score):
        owners[track.names] = track
    return tuple(_face(track, is_owner=owners[track.names] is track) for track in tracks)


def _shown_score(track: Track) -> float:
    score = track.decision.comparison.comparison_score if track.decision else None
    return -1.0 if score is None else score


def _face(track: Track, *, is_owner: bool) -> TrackedFace:
    """is_owner: of all tracks that were decided to be this person, it is the one that may show the name."""
    comparison = _shown_comparison(track)
    if track.names is not None and not is_owner:
        comparison = comparison.doubted(Reason.PERSON_ALREADY_MATCHED)
    return TrackedFace(track.number, track.sighting, track.liveness, comparison, track.conclusion)


def _shown_comparison(track: Track) -> Comparison:
    if track.decision:
        return track.decision.comparison
    return replace(track.conclusion.comparison, verdict=Verdict.PENDING, reasons=())
