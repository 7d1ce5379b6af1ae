"""One socket's stream: frame bytes in, faces and decisions out. No database, no socket."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from recognizer.engine import FaceEngine
from recognizer.reasons import Reason
from recognizer.search.galleries import Gallery
from recognizer.stopwatch import Stopwatch
from recognizer.tracking.challenge import draw_prompts
from recognizer.tracking.challenge_run import ChallengeProgress
from recognizer.tracking.fuser import TrackFuser
from recognizer.tracking.outcomes import FrameOutcome, TrackedFace
from recognizer.tracking.tracks import Decision
from recognizer.types import DecisionPolicy, LivenessMode, Verdict
from verification.models import VerificationAttempt

STAGES = ("queue", "decode", "detect", "liveness", "embed", "search", "total")


@dataclass(frozen=True, slots=True)
class Configure:
    """What the operator asked for."""

    mode: VerificationAttempt.Mode
    person: str | None
    """uuid of the claimed person; only in verify mode."""


@dataclass(frozen=True, slots=True)
class LiveResult:
    """What one frame's bytes led to."""

    image_size: tuple[int, int]
    """width, height in pixels."""
    outcome: FrameOutcome
    timings_ms: Mapping[str, float]
    """The STAGES; `total` spans from the frame's arrival to the end of the search."""

    @property
    def matched_people(self) -> set[str]:
        """uuids of those whom the faces or decisions name."""
        said: tuple[TrackedFace | Decision, ...] = (*self.outcome.faces, *self.outcome.decisions)
        return {one.person_id for one in said if one.person_id and one.verdict == Verdict.MATCH}


class LiveSession:
    """The tracks of one socket between two `configure` messages. One frame at a time."""

    def __init__(self, engine: FaceEngine, policy: DecisionPolicy, configure: Configure) -> None:
        self.policy = policy
        self.configure = configure
        self._engine = engine
        self._fuser = TrackFuser(
            engine, policy, claimed=configure.person, check_liveness=policy.liveness != LivenessMode.OFF
        )

    def process(
        self, frame_bytes: bytes, *, dropped: int, gallery: Gallery, arrived: float | None = None
    ) -> LiveResult:
        """One job for the engine's pool. frame_bytes: a JPEG or WebP; dropped: frames lost since the last one.

        arrived: time.perf_counter() when the frame came; None: now. Raises ImageError, ContractMismatch.
        """
        watch = Stopwatch(arrived)
        started = watch.lap("queue")
        image = self._engine.decode(frame_bytes)
        watch.lap("decode")
        outcome = self._fuser.process(image, gallery, skipped=dropped, now=started)
        measured = {**outcome.timings_ms, **watch.timings()}
        return LiveResult(
            image_size=(image.shape[1], image.shape[0]),
            outcome=outcome,
            timings_ms={stage: round(measured.get(stage, 0.0), 2) for stage in STAGES},
        )

    # A challenge. Not while a frame is being processed.

    def refuse_challenge(self, track: int) -> Reason | None:
        """Why this track cannot be challenged, as a code; None: it can."""
        return self._fuser.refuse_challenge(track)

    def begin_challenge(self, track: int) -> ChallengeProgress | None:
        """None: the track is gone. A challenge that runs already ends without a word."""
        return self._fuser.begin_challenge(track, draw_prompts(), now=time.perf_counter())

    def cancel_challenge(self) -> ChallengeProgress | None:
        """None: there was none."""
        return self._fuser.cancel_challenge(now=time.perf_counter())
