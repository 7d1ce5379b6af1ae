"""A challenge: two or three head movements in an order that nobody knew before. Pure functions on poses over time.

A photograph cannot turn its head, and a recording turns it in its own order. Every movement starts from the same calm
pose: first that pose is learnt (the baseline), then each prompt is given, made, and undone before the next one. All
that counts is the difference from the baseline, so a camera that stands aside does no harm. Whose face it is, is
checked at the baseline, at every movement and after it: the face that turns is the face that is matched.
"""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import cast

import numpy as np

from recognizer.reasons import Reason
from recognizer.types import Vector

MOST_PROMPTS = 3
BASELINE_SECONDS = 10.0
"""For the first calm look: the page has just changed."""
STEP_SECONDS = 6.0
"""For each movement, and for each way back."""
LOST_SECONDS = 0.5
"""The detector may miss a turning face for a frame or two."""
BASELINE_FRAMES = 4
HELD_FRAMES = 2
"""Consecutive frames that make a movement, or the way back."""
WRONG_FRAMES = 3
"""Frames of another movement, in one phase, that end the challenge."""
STRANGE_FRAMES = 3
"""Consecutive frames in which the face should be recognisable and is another one; one blurred frame is no swap."""
FRONTAL_LIMIT = 25.0
"""Degrees of yaw and pitch at most in the baseline. Cameras stand aside: real_T1 looks 21 to 27 degrees past his."""
STEADY_DEGREES = 8.0
STEADY_SHARE = 0.08
"""Largest spread of the baseline's angles, and of its eye distance. A still picture with jitter (real_T1) has
6 degrees of yaw, 4 of pitch and 4 % of eye distance over 30 frames."""
NEUTRAL_DEGREES = 10.0
NEUTRAL_SHARE = 0.12


class Prompt(StrEnum):
    """Left and right are the person's own."""

    TURN_LEFT = "turn_left"
    TURN_RIGHT = "turn_right"
    LOOK_UP = "look_up"
    COME_CLOSER = "come_closer"


TURNS = frozenset({Prompt.TURN_LEFT, Prompt.TURN_RIGHT})
ENOUGH = {Prompt.TURN_LEFT: 18.0, Prompt.TURN_RIGHT: 18.0, Prompt.LOOK_UP: 12.0, Prompt.COME_CLOSER: 0.25}
"""Degrees, or growth of the eye distance, that make a movement: about three times what jitter alone does."""
CLEARLY = {Prompt.TURN_LEFT: 18.0, Prompt.TURN_RIGHT: 18.0, Prompt.LOOK_UP: 18.0, Prompt.COME_CLOSER: 0.35}
"""The same for movements that were not asked for: a turning head also nods (real_female: up to 10 degrees) or leans."""


class ChallengeState(StrEnum):
    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"


class Phase(StrEnum):
    BASELINE = "baseline"
    MOVE = "move"
    RETURN = "return"


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """The challenged face in one frame."""

    yaw: float
    pitch: float
    """Degrees, as in Pose: yaw > 0 towards the person's own left, pitch > 0 down."""
    eye_distance: float
    """Pixels."""
    embedding: Vector
    """(d,) float32, L2-normalised."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Least cosines with the baseline's face.

    Turned faces resemble their frontal selves less. Measured with MobileFaceNet: within one clip (real_female) views
    turned by 15 to 45 degrees have 0.53 to 0.87 to the frontal ones, beyond that 0.40; pictures of different days (LFW)
    at 25 to 40 degrees 0.46 in the 5th percentile; other people 0.33 in the 99.9th. So the pack's own thresholds serve:
    its match threshold for frontal views, its uncertain threshold for turned ones.
    """

    frontal: float
    turned: float


@dataclass(frozen=True, slots=True, eq=False)
class Challenge:
    """Where a challenge stands. `advance` makes the next one of it."""

    prompts: tuple[Prompt, ...]
    agreement: Agreement
    deadline: float
    """When the present phase ends without success; seconds of the caller's clock."""
    seen_at: float
    known_face: Vector | None = None
    """(d,): what the track showed before; None: nothing yet."""
    phase: Phase = Phase.BASELINE
    step: int = 0
    """Prompts that are done; prompts[step] is the one asked for in the phases MOVE and RETURN."""
    baseline: View | None = None
    held: tuple[View, ...] = ()
    """Consecutive views that fulfil the present phase."""
    wrong: int = 0
    strange: int = 0
    calm: bool = False
    """The last view was a calm, frontal one of the right face: fit to be compared with the gallery."""
    code: Reason | None = None
    """How it ended."""

    @property
    def state(self) -> ChallengeState:
        if self.code is None:
            return ChallengeState.RUNNING
        return ChallengeState.PASSED if self.code == Reason.CHALLENGE_PASSED else ChallengeState.FAILED

    @property
    def prompt(self) -> Prompt | None:
        """What is asked now; None: to look straight into the camera, or nothing any more."""
        return self.prompts[self.step] if self.phase == Phase.MOVE and self.code is None else None


def all_sequences() -> list[tuple[Prompt, ...]]:
    """Every order of two or three different prompts that has a turn and something else than a turn.

    So neither a recording of somebody who only turns the head, nor a picture that is only brought nearer, fulfils one.
    """
    orders = (order for length in (2, MOST_PROMPTS) for order in itertools.permutations(Prompt, length))
    return [order for order in orders if TURNS & set(order) and set(order) - TURNS]


def draw_prompts() -> tuple[Prompt, ...]:
    """Unpredictable: each of the 32 sequences is as likely as every other."""
    return secrets.choice(all_sequences())


def begin(
    prompts: Sequence[Prompt], agreement: Agreement, *, now: float, known_face: Vector | None = None
) -> Challenge:
    """A challenge that first learns the calm pose. known_face: (d,), what the track showed before; None: nothing."""
    return Challenge(tuple(prompts), agreement, now + BASELINE_SECONDS, now, known_face)


def end(challenge: Challenge, code: Reason) -> Challenge:
    """Failed for this reason, unless it has failed already."""
    failed = challenge.state == ChallengeState.FAILED
    return challenge if failed else replace(challenge, code=code, held=(), calm=False)


def advance(challenge: Challenge, view: View | None, now: float) -> Challenge:
    """The challenge after one more frame. view None: the face was not in it."""
    if challenge.code is not None:
        return challenge
    if now > challenge.deadline:
        return end(challenge, Reason.CHALLENGE_TIMEOUT)
    if view is None:
        missing = replace(challenge, held=(), calm=False)
        return end(missing, Reason.CHALLENGE_FACE_LOST) if now - challenge.seen_at > LOST_SECONDS else missing
    seen = replace(challenge, seen_at=now, calm=False)
    if seen.baseline is None:
        return _settle(seen, view, now)
    return _judge(seen, seen.baseline, view, now)


def _settle(challenge: Challenge, view: View, now: float) -> Challenge:
    """Learn the calm pose that every movement is measured from."""
    if max(abs(view.yaw), abs(view.pitch)) > FRONTAL_LIMIT:
        return replace(challenge, held=())
    known = challenge.known_face
    if known is not None and _cosine(known, view) < challenge.agreement.turned:
        return _estranged(challenge)
    held = (*challenge.held, view)
    if not _is_steady(held):
        held = (view,)
    calm = replace(challenge, held=held, strange=0, calm=True)
    if len(held) < BASELINE_FRAMES:
        return calm
    return replace(calm, held=(), baseline=_mean_view(held), phase=Phase.MOVE, deadline=now + STEP_SECONDS)


def _judge(challenge: Challenge, baseline: View, view: View, now: float) -> Challenge:
    """Is this view the movement that was asked for, the way back, or another movement?"""
    asked = challenge.prompts[challenge.step]
    made = {prompt: _movement(prompt, baseline, view) for prompt in Prompt}
    if any(made[other] >= CLEARLY[other] for other in Prompt if other != asked):
        wrong = challenge.wrong + 1
        found = replace(challenge, wrong=wrong, held=())
        return end(found, Reason.CHALLENGE_WRONG_MOVEMENT) if wrong >= WRONG_FRAMES else found
    moving = challenge.phase == Phase.MOVE
    if not (made[asked] >= ENOUGH[asked] if moving else _is_neutral(baseline, view)):
        return replace(challenge, held=())
    least = challenge.agreement.turned if moving else challenge.agreement.frontal
    if _cosine(baseline.embedding, view) < least:
        return _estranged(challenge)
    held = replace(challenge, held=(*challenge.held, view), strange=0, calm=not moving)
    return held if len(held.held) < HELD_FRAMES else _next_phase(held, now)


def _next_phase(challenge: Challenge, now: float) -> Challenge:
    """A movement is followed by the way back, that by the next prompt, the last one by success."""
    fresh = replace(challenge, held=(), wrong=0, deadline=now + STEP_SECONDS)
    if challenge.phase == Phase.MOVE:
        return replace(fresh, phase=Phase.RETURN)
    if challenge.step + 1 == len(challenge.prompts):
        return replace(fresh, step=challenge.step + 1, code=Reason.CHALLENGE_PASSED)
    return replace(fresh, phase=Phase.MOVE, step=challenge.step + 1)


def _estranged(challenge: Challenge) -> Challenge:
    found = replace(challenge, strange=challenge.strange + 1, held=())
    return end(found, Reason.CHALLENGE_FACE_CHANGED) if found.strange >= STRANGE_FRAMES else found


def _movement(prompt: Prompt, baseline: View, view: View) -> float:
    """How far the face went that way, in the units of ENOUGH."""
    match prompt:
        case Prompt.TURN_LEFT:
            return view.yaw - baseline.yaw
        case Prompt.TURN_RIGHT:
            return baseline.yaw - view.yaw
        case Prompt.LOOK_UP:
            return baseline.pitch - view.pitch
        case Prompt.COME_CLOSER:
            return view.eye_distance / baseline.eye_distance - 1.0


def _is_neutral(baseline: View, view: View) -> bool:
    turned = max(abs(view.yaw - baseline.yaw), abs(view.pitch - baseline.pitch))
    return turned <= NEUTRAL_DEGREES and abs(view.eye_distance / baseline.eye_distance - 1.0) <= NEUTRAL_SHARE


def _is_steady(views: Sequence[View]) -> bool:
    distances = [view.eye_distance for view in views]
    return (
        np.ptp([view.yaw for view in views]) <= STEADY_DEGREES
        and np.ptp([view.pitch for view in views]) <= STEADY_DEGREES
        and max(distances) <= min(distances) * (1 + STEADY_SHARE)
        and min(distances) > 0
    )


def _mean_view(views: Sequence[View]) -> View:
    mean = cast(Vector, np.mean([view.embedding for view in views], axis=0))
    length = max(float(np.linalg.norm(mean)), 1e-6)
    return View(
        yaw=float(np.mean([view.yaw for view in views])),
        pitch=float(np.mean([view.pitch for view in views])),
        eye_distance=float(np.mean([view.eye_distance for view in views])),
        embedding=(mean / length).astype(np.float32),
    )


def _cosine(known: Vector, view: View) -> float:
    return float(known @ view.embedding)
