"""A challenge put to one track of a stream: what its frames show, and the evidence that a passed one leaves behind."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from recognizer.decisions import Evidence, fuse_embeddings
from recognizer.reasons import Reason
from recognizer.tracking.challenge import Agreement, Challenge, ChallengeState, Prompt, View, advance, begin, end
from recognizer.tracking.tracks import Track
from recognizer.types import DecisionPolicy, LivenessVerdict, Verdict

CALM_FRAMES = 12
"""Most calm frames kept as evidence, the latest ones."""


@dataclass(frozen=True, slots=True)
class ChallengeProgress:
    """What there is to tell about a challenge."""

    track: int
    state: ChallengeState
    prompt: Prompt | None
    """What is asked now; None while running: look straight into the camera."""
    step: int
    """Number of the present prompt, from 1; 0 before the first one."""
    steps: int
    seconds_left: float
    """For the present prompt or the way back; 0 when it has ended."""
    code: Reason | None
    """How it ended."""


def refusal_of(track: Track) -> Reason | None:
    """Why no challenge can be put to this track.

    What pictures call an attack, head movements do not excuse; nor do they replace the look at what surrounds a face.
    """
    passive = track.passive_liveness
    decided = track.decision is not None and track.decision.verdict == Verdict.ATTACK
    if decided or passive.verdict == LivenessVerdict.ATTACK:
        return Reason.CHALLENGE_ATTACK
    return None if passive.surrounded else Reason.CHALLENGE_TOO_CLOSE


class ChallengeRun:
    """Mutable: the one running challenge of a stream."""

    def __init__(self, track: Track, prompts: Sequence[Prompt], policy: DecisionPolicy, now: float) -> None:
        agreement = Agreement(frontal=policy.match_threshold, turned=policy.uncertain_threshold)
        known = fuse_embeddings(track.evidence) if track.evidence else None
        self.track = track
        self.challenge: Challenge = begin(prompts, agreement, now=now, known_face=known)
        self.evidence: deque[Evidence] = deque(maxlen=CALM_FRAMES)
        self._told: tuple[object, ...] | None = None
        track.challenged = True

    def see(self, *, present: bool, now: float) -> None:
        """One more frame. present: the track's face is in it."""
        self._set(advance(self.challenge, self._view() if present else None, now))

    def end(self, code: Reason) -> None:
        """As failed, for this reason, unless it has failed already."""
        self._set(end(self.challenge, code))

    def changed(self, now: float) -> ChallengeProgress | None:
        """The progress, if it is news since the last call."""
        challenge = self.challenge
        key = (challenge.state, challenge.phase, challenge.step)
        if key == self._told:
            return None
        self._told = key
        return self.progress(now)

    def progress(self, now: float) -> ChallengeProgress:
        """How the challenge stands."""
        challenge = self.challenge
        running = challenge.code is None
        started = challenge.baseline is not None
        return ChallengeProgress(
            track=self.track.number,
            state=challenge.state,
            prompt=challenge.prompt,
            step=min(challenge.step + started, len(challenge.prompts)),
            steps=len(challenge.prompts),
            seconds_left=round(max(challenge.deadline - now, 0.0), 1) if running else 0.0,
            code=challenge.code,
        )

    def _set(self, challenge: Challenge) -> None:
        self.challenge = challenge
        self.track.challenged = challenge.code is None

    def _view(self) -> View | None:
        sighting = self.track.sighting
        if sighting.embedding is None:  # a crowd: larger faces came first
            return None
        pose, distance = sighting.quality.pose, sighting.quality.inter_eye_distance
        return View(pose.yaw, pose.pitch, distance, sighting.embedding)
