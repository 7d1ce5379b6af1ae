"""The rules of the challenge on synthetic heads; the last tests replay real clips through the tracker."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognizer.engine import FaceEngine
from recognizer.packs.choosing import policy_for
from recognizer.reasons import Reason
from recognizer.search.blocks import TemplateRow
from recognizer.search.gallery import GallerySnapshot
from recognizer.tracking.challenge import (
    BASELINE_SECONDS,
    CLEARLY,
    ENOUGH,
    LOST_SECONDS,
    MOST_PROMPTS,
    STEP_SECONDS,
    TURNS,
    Agreement,
    Challenge,
    ChallengeState,
    Phase,
    Prompt,
    View,
    advance,
    all_sequences,
    begin,
    draw_prompts,
    end,
)
from recognizer.tracking.fuser import TrackFuser
from recognizer.types import Image, LivenessMode, Vector
from tests.support.webcam import clip_frames

AGREEMENT = Agreement(frontal=0.4, turned=0.33)
LEFT, RIGHT, UP, CLOSER = Prompt
RATE = 10.0
sequences = st.sampled_from(all_sequences())


def face(axis: int = 0, likeness: float = 1.0) -> Vector:
    vector = np.zeros(8, np.float32)
    vector[axis], vector[7] = likeness, math.sqrt(1 - likeness**2)
    return vector


@dataclass(frozen=True)
class Head:
    """A head's own zero: where it looks when calm, and how it differs from the camera's axis."""

    yaw: float = 0.0
    pitch: float = 0.0
    distance: float = 60.0

    def view(self, prompt: Prompt | None = None, amount: float = 1.0, *, who: Vector | None = None) -> View:
        """amount: 1 is twice ENOUGH."""
        far = 2 * amount * (ENOUGH[prompt] if prompt else 0.0)
        return View(
            yaw=self.yaw + (far if prompt == LEFT else -far if prompt == RIGHT else 0.0),
            pitch=self.pitch - (far if prompt == UP else 0.0),
            eye_distance=self.distance * (1.0 + (far if prompt == CLOSER else 0.0)),
            embedding=face() if who is None else who,
        )

    def swing(self, prompt: Prompt, frames: int = 10) -> list[View]:
        """There and back, smoothly."""
        return [self.view(prompt, math.sin(math.pi * index / (frames - 1))) for index in range(frames)]

    def rest(self, frames: int = 5) -> list[View]:
        return [self.view()] * frames


def play(challenge: Challenge, views: Iterable[View | None], *, start: float = 0.0) -> Challenge:
    for index, view in enumerate(views):
        challenge = advance(challenge, view, start + index / RATE)
    return challenge


def obey(challenge: Challenge, head: Head, *, limit: int = 400) -> Challenge:
    """Somebody who does what is asked, at the pace of a person."""
    amount, last = 0.0, None
    for index in range(limit):
        last = challenge.prompt or last
        amount = min(1.0, amount + 0.2) if challenge.prompt else max(0.0, amount - 0.2)
        challenge = advance(challenge, head.view(last, amount), index / RATE)
        if challenge.code:
            break
    return challenge


def started(*prompts: Prompt, head: Head | None = None) -> Challenge:
    """After the baseline: the first prompt is given."""
    challenge = play(begin(prompts, AGREEMENT, now=0.0), (head or Head()).rest(4))
    assert challenge.prompt == prompts[0]
    return challenge


class TestSequences:
    def test_are_two_or_three_different_prompts(self):
        assert {len(order) for order in all_sequences()} == {2, MOST_PROMPTS}
        assert all(len(set(order)) == len(order) for order in all_sequences())
        assert len(set(all_sequences())) == len(all_sequences()) == 32

    def test_always_have_a_turn_and_something_else(self):
        assert all(TURNS & set(order) and set(order) - TURNS for order in all_sequences())

    def test_all_of_them_are_drawn(self):
        drawn = {draw_prompts() for _ in range(2000)}
        assert drawn == set(all_sequences())


class TestObeying:
    @given(sequences, st.floats(-20, 20), st.floats(-20, 20), st.floats(20, 200))
    def test_passes_wherever_the_camera_stands(self, prompts, yaw, pitch, distance):
        challenge = obey(begin(prompts, AGREEMENT, now=0.0), Head(yaw, pitch, distance))
        assert (challenge.state, challenge.code) == (ChallengeState.PASSED, "challenge_passed")

    @given(sequences, sequences)
    def test_another_sequence_never_passes(self, asked, made):
        challenge = begin(asked, AGREEMENT, now=0.0)
        head = Head()
        script = [*head.rest(6), *(view for prompt in made for view in [*head.swing(prompt), *head.rest(4)])]
        challenge = play(challenge, [*script, *head.rest(80)])
        assert (challenge.state == ChallengeState.PASSED) == (asked == made[: len(asked)])

    @given(sequences, st.sampled_from(Prompt))
    def test_one_recorded_movement_looped_never_passes(self, asked, recorded):
        challenge = begin(asked, AGREEMENT, now=0.0)
        clip = [*Head().rest(6), *Head().swing(recorded)]
        assert play(challenge, clip * 20).state == ChallengeState.FAILED

    @given(sequences, st.lists(st.floats(-50, 50), min_size=30, max_size=120))
    def test_a_head_that_only_turns_never_passes(self, asked, yaws):
        challenge = begin(asked, AGREEMENT, now=0.0)
        views = [replace(Head().view(), yaw=yaw) for yaw in yaws]
        assert play(challenge, [*Head().rest(), *views, *Head().rest()]).state != ChallengeState.PASSED

    @given(
        st.lists(
            st.one_of(
                st.none(),
                st.builds(
                    View,
                    yaw=st.floats(-90, 90),
                    pitch=st.floats(-90, 90),
                    eye_distance=st.floats(1, 300),
                    embedding=st.sampled_from([face(), face(1)]),
                ),
            ),
            max_size=60,
        ),
        sequences,
    )
    def test_whatever_is_shown_steps_only_grow_and_an_end_stays(self, views, prompts):
        challenge = begin(prompts, AGREEMENT, now=0.0)
        for index, view in enumerate(views):
            after = advance(challenge, view, index / RATE)
            assert after.step in (challenge.step, challenge.step + 1)
            assert after.code in (None, *Reason)
            assert challenge.code is None or after is challenge
            challenge = after

    def test_the_steps_of_a_challenge(self):
        head = Head()
        challenge = started(LEFT, UP)
        challenge = play(challenge, [head.view(LEFT)] * 2, start=1.0)
        assert (challenge.phase, challenge.prompt, challenge.step) == (Phase.RETURN, None, 0)
        challenge = play(challenge, head.rest(2), start=2.0)
        assert (challenge.phase, challenge.prompt, challenge.step) == (Phase.MOVE, UP, 1)
        challenge = play(challenge, [head.view(UP)] * 2, start=3.0)
        assert play(challenge, head.rest(2), start=4.0).code == "challenge_passed"


class TestBaseline:
    def test_waits_for_a_frontal_face(self):
        challenge = play(begin((LEFT, UP), AGREEMENT, now=0.0), Head(yaw=26.0).rest(20))
        assert challenge.baseline is None
        assert play(challenge, Head(yaw=24.0).rest(4), start=2.0).prompt == LEFT

    def test_waits_for_a_steady_face(self):
        views = [Head(yaw=index % 2 * 9.0).view() for index in range(20)]
        assert play(begin((LEFT, UP), AGREEMENT, now=0.0), views).baseline is None
        zooming = [Head(distance=60.0 * 1.09 ** (index % 2)).view() for index in range(20)]
        assert play(begin((LEFT, UP), AGREEMENT, now=0.0), zooming).baseline is None

    def test_ends_when_there_is_none_in_time(self):
        challenge = play(begin((LEFT, UP), AGREEMENT, now=0.0), Head(yaw=50.0).rest(3))
        assert advance(challenge, Head().view(), BASELINE_SECONDS + 0.1).code == "challenge_timeout"

    def test_must_be_the_face_that_was_decided_about(self):
        challenge = begin((LEFT, UP), AGREEMENT, now=0.0, known_face=face(1))
        assert play(challenge, Head().rest(3)).code == "challenge_face_changed"
        challenge = begin((LEFT, UP), AGREEMENT, now=0.0, known_face=face(0, 0.5))
        assert play(challenge, Head().rest(4)).prompt == LEFT


class TestMovements:
    @pytest.mark.parametrize("prompt", Prompt)
    def test_count_exactly_from_enough_on(self, prompt):
        first = started(prompt, UP if prompt != UP else LEFT)
        exact, short = 0.5 + 1e-6, 0.5 - 1e-3
        assert play(first, [Head().view(prompt, exact)] * 2, start=1.0).phase == Phase.RETURN
        assert play(first, [Head().view(prompt, short)] * 9, start=1.0).phase == Phase.MOVE

    def test_must_be_held_for_two_frames(self):
        jerks = [Head().view(LEFT), Head().view(LEFT, 0.3)] * 5
        assert play(started(LEFT, UP), jerks, start=1.0).phase == Phase.MOVE

    @pytest.mark.parametrize("asked", Prompt)
    @pytest.mark.parametrize("made", Prompt)
    def test_of_another_kind_fail_at_the_third_frame(self, asked, made):
        if asked == made:
            return
        challenge = started(asked, next(one for one in Prompt if one not in (asked, made)))
        wrong = Head().view(made, CLEARLY[made] / ENOUGH[made])
        assert play(challenge, [wrong, Head().view(), wrong], start=1.0).code is None
        assert play(challenge, [wrong, Head().view(), wrong, wrong], start=1.0).code == "challenge_wrong_movement"

    def test_all_at_once_are_no_answer_to_any_prompt(self):
        everything = View(yaw=40.0, pitch=-40.0, eye_distance=120.0, embedding=face())
        for prompts in all_sequences():
            assert play(started(*prompts), [everything] * 3, start=1.0).code == "challenge_wrong_movement"

    def test_that_are_not_undone_bring_no_next_prompt(self):
        turned = play(started(LEFT, UP), [Head().view(LEFT)] * 40, start=1.0)
        assert (turned.phase, turned.step) == (Phase.RETURN, 0)

    def test_that_swing_over_to_the_other_side_fail(self):
        turned = play(started(LEFT, UP), [Head().view(LEFT)] * 2, start=1.0)
        assert play(turned, [Head().view(RIGHT)] * 3, start=2.0).code == "challenge_wrong_movement"

    @given(st.floats(0.0, 3.0))
    def test_that_come_too_late_fail(self, late):
        challenge = started(LEFT, UP)
        after = advance(challenge, Head().view(LEFT), challenge.deadline + 1e-3 + late)
        assert after.code == "challenge_timeout"
        assert challenge.deadline == pytest.approx(0.3 + STEP_SECONDS)


class TestTheFace:
    def test_lost_for_a_moment_is_waited_for(self):
        challenge = started(LEFT, UP)
        assert advance(challenge, None, challenge.seen_at + LOST_SECONDS).code is None
        assert advance(challenge, None, challenge.seen_at + LOST_SECONDS + 0.01).code == "challenge_face_lost"

    def test_lost_between_two_frames_of_a_movement_means_to_begin_it_again(self):
        views = [Head().view(LEFT), None, Head().view(LEFT), None]
        assert play(started(LEFT, UP), views, start=0.4).phase == Phase.MOVE

    @pytest.mark.parametrize(("likeness", "code"), [(0.34, None), (0.32, "challenge_face_changed")])
    def test_of_the_turned_view_must_agree_with_the_baseline(self, likeness, code):
        views = [Head().view(LEFT, who=face(0, likeness))] * 3
        after = play(started(LEFT, UP), views, start=1.0)
        assert after.code == code
        assert (after.phase == Phase.RETURN) == (code is None)

    @pytest.mark.parametrize(("likeness", "code"), [(0.41, None), (0.39, "challenge_face_changed")])
    def test_that_comes_back_must_agree_more(self, likeness, code):
        turned = play(started(LEFT, UP), [Head().view(LEFT)] * 2, start=1.0)
        assert play(turned, [Head().view(who=face(0, likeness))] * 3, start=2.0).code == code

    def test_of_one_blurred_frame_changes_nothing(self):
        other, own = Head().view(LEFT, who=face(1)), Head().view(LEFT)
        assert play(started(LEFT, UP), [other, own, other, other, own, own], start=1.0).phase == Phase.RETURN

    def test_is_calm_only_where_it_is_frontal_and_its_own(self):
        challenge = begin((LEFT, UP), AGREEMENT, now=0.0)
        assert advance(challenge, Head().view(), 0.0).calm
        turned = play(started(LEFT, UP), [Head().view(LEFT)] * 2, start=1.0)
        assert not turned.calm
        assert advance(turned, Head().view(), 2.0).calm
        assert not advance(turned, Head().view(who=face(1)), 2.0).calm


class TestEnd:
    def test_a_failure_keeps_its_first_reason_and_a_success_can_still_be_refused(self):
        challenge = started(LEFT, UP)
        lost = end(challenge, Reason.CHALLENGE_FACE_LOST)
        assert end(lost, Reason.CHALLENGE_ATTACK).code == Reason.CHALLENGE_FACE_LOST
        passed = replace(challenge, code=Reason.CHALLENGE_PASSED)
        assert end(passed, Reason.CHALLENGE_ATTACK).state == ChallengeState.FAILED


@pytest.fixture(scope="module")
def head_turn(shared_faces: Path) -> list[Image]:
    """real_female: from far right over the middle to the left, and back. It begins where she looks ahead."""
    frames = list(clip_frames(shared_faces / "webcam" / "real_female.mjpeg"))
    return frames[17:] + frames[:17]


class TestReplayedClips:
    def replay(self, engine: FaceEngine, frames: Sequence[Image], prompts: tuple[Prompt, ...]) -> list[str]:
        """What a challenge ends with when the clip is shown again and again."""
        probe = engine.embed([engine.align(frames[0], engine.detect(frames[0])[0])])[0]
        gallery = GallerySnapshot.build(
            [TemplateRow(1, "her", probe)], contract_id=engine.contract_id, dimension=engine.dimension, revision=1
        )
        fuser = TrackFuser(engine, policy_for(engine.pack, 1e-4, LivenessMode.REQUIRED), check_liveness=True)
        codes: list[str] = []
        now = 0.0
        fuser.process(frames[0], gallery, now=now)
        assert fuser.begin_challenge(1, prompts, now=now)
        while not codes and now < 60:
            for image in frames:
                now += 1 / 15
                told = fuser.process(image, gallery, now=now).challenge
                if told and told.code:
                    codes.append(told.code)
        return codes

    @pytest.mark.parametrize("prompts", [(LEFT, UP), (UP, RIGHT), (RIGHT, CLOSER, LEFT), (CLOSER, LEFT, RIGHT)])
    def test_of_a_head_turn_fail_every_sequence(self, engine, head_turn, prompts):
        (code,) = self.replay(engine, head_turn, prompts)
        assert code in {
            "challenge_wrong_movement",
            "challenge_timeout",
            "challenge_face_changed",
            "challenge_face_lost",
        }

    def test_of_a_head_turn_do_show_its_turns(self, engine, head_turn):
        """Else the test above proves nothing: were a turn all that is asked, the clip could pass."""
        poses = [
            engine.measure_quality(image, face, engine.align(image, face)).pose.yaw
            for image in head_turn
            for face in engine.detect(image)[:1]
        ]
        assert min(poses) < -ENOUGH[RIGHT]
        assert max(poses) > ENOUGH[LEFT]

    def test_of_a_shaken_still_time_out(self, engine, shared_faces):
        frames = list(clip_frames(shared_faces / "webcam" / "real_T1.mjpeg"))
        assert self.replay(engine, frames, (LEFT, UP)) == ["challenge_timeout"]

    @pytest.mark.parametrize("clip", ["spoof_F1", "spoof_F2"])
    def test_of_an_attack_are_refused(self, engine, shared_faces, clip):
        frames = list(clip_frames(shared_faces / "webcam" / f"{clip}.mjpeg"))
        assert self.replay(engine, frames, (LEFT, UP)) == ["challenge_attack"]
