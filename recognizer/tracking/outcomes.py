"""What one frame of a stream has shown: every face with what its track knows, decisions, news of a challenge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from recognizer.tracking.challenge_run import ChallengeProgress
from recognizer.tracking.tracks import Decision, Track
from recognizer.types import Detection, Liveness, Quality, Verdict


@dataclass(frozen=True, slots=True, eq=False)
class TrackedFace:
    """One face of one frame, with what its track knows so far."""

    track: int
    detection: Detection
    quality: Quality
    liveness: Liveness
    verdict: Verdict
    person_id: str | None
    """The best candidate so far; only a match names them."""
    comparison_score: float | None
    runner_up: float | None
    frames_agreed: int
    frames_seen: int
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class FrameOutcome:
    faces: tuple[TrackedFace, ...]
    """Largest first."""
    decisions: tuple[Decision, ...]
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
    return tuple(
        _face(track)
        if track.names is None or owners[track.names] is track
        else replace(_face(track), verdict=Verdict.UNCERTAIN, reasons=("person_already_matched",))
        for track in tracks
    )


def _shown_score(track: Track) -> float:
    score = track.decision.comparison_score if track.decision else None
    return -1.0 if score is None else score


def _face(track: Track) -> TrackedFace:
    decided, conclusion = track.decision, track.conclusion
    known = decided or (conclusion.comparison if conclusion else None)
    return TrackedFace(
        track=track.number,
        detection=track.sighting.detection,
        quality=track.sighting.quality,
        liveness=track.liveness,
        verdict=decided.verdict if decided else Verdict.PENDING,
        person_id=known.person_id if known else None,
        comparison_score=known.comparison_score if known else None,
        runner_up=known.runner_up if known else None,
        frames_agreed=conclusion.agreed if conclusion else 0,
        frames_seen=len(track.evidence),
        reasons=decided.reasons if decided else (),
    )
