"""The rules of tracking with a scripted engine, where each face's embedding, quality and liveness are known; then the
real engine on the clips of ../shared/faces/webcam."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import cv2
import numpy as np
import pytest

from recognizer.decisions import Question
from recognizer.engine import FaceEngine
from recognizer.errors import ContractMismatch
from recognizer.packs.choosing import policy_for
from recognizer.reasons import Reason
from recognizer.search.blocks import TemplateRow
from recognizer.search.cohort import Cohort
from recognizer.search.gallery import GallerySnapshot
from recognizer.stages.liveness import verdict_for
from recognizer.tracking.challenge import LOST_SECONDS, STEP_SECONDS, Prompt
from recognizer.tracking.fuser import EMBEDDINGS_PER_FRAME, FACES_PER_FRAME, TrackFuser, decide_still
from recognizer.tracking.outcomes import FrameOutcome, TrackedFace
from recognizer.tracking.tracks import Decision
from recognizer.tracking.visits import VISIT_SECONDS
from recognizer.types import (
    DecisionPolicy,
    Detection,
    Image,
    Liveness,
    LivenessMode,
    LivenessVerdict,
    Pose,
    Quality,
    Vector,
    Verdict,
)
from tests.support.floats import approx_cosine
from tests.support.webcam import clip_frames

POLICY = DecisionPolicy(match_threshold=0.4, uncertain_threshold=0.33, fmr=1e-4, liveness=LivenessMode.OFF)
REQUIRED = replace(POLICY, liveness=LivenessMode.REQUIRED)
ANNA, BERT, STRANGER, CLEO = 0, 1, 2, 3
DIMENSION = 32


def towards(axis: int, score: float = 1.0, rest: int = 20) -> Vector:
    vector = np.zeros(DIMENSION, np.float32)
    vector[axis] = score
    vector[rest] = np.sqrt(1 - score**2)
    return vector


@dataclass(frozen=True)
class Looks:
    """One face of one scripted frame."""

    who: int
    """Axis of the embedding."""
    left: float = 100
    size: float = 80
    score: float = 0.9
    """Cosine to the axis."""
    rest: int = 20
    quality: float = 0.9
    reasons: tuple[Reason, ...] = ()
    live: float | None = 0.95
    surrounded: bool = True
    wears: int | None = None
    """Whose appearance; None: their own."""


@dataclass
class ScriptedEngine:
    """Stands in for FaceEngine: the picture is replaced by a list of Looks."""

    liveness_models: bool = True
    contract_id: str = "space"
    cohort: Cohort | None = None
    embedded: list[int] = field(default_factory=list)
    """Faces embedded in each frame."""
    liveness_checks: int = 0
    shape: tuple[int, int, int] = (480, 640, 3)
    _shown: list[Looks] = field(default_factory=list)

    @property
    def pack(self) -> Any:
        return SimpleNamespace(files_of=lambda role: ("net",) if self.liveness_models else ())

    def show(self, looks: Sequence[Looks]) -> Image:
        self._shown = list(looks)
        self.embedded.append(0)
        return np.zeros(self.shape, np.uint8)

    def detect(self, image: Image) -> list[Detection]:
        boxes = [np.array([one.left, 100, one.left + one.size, 100 + one.size], np.float32) for one in self._shown]
        return [Detection(box, np.zeros((5, 2), np.float32), 0.9) for box in boxes]

    def detect_still(self, image: Image) -> list[Detection]:
        return self.detect(image)

    def _index(self, detection: Detection) -> int:
        return next(n for n, one in enumerate(self._shown) if one.left == float(detection.box_xyxy[0]))

    def align(self, image: Image, detection: Detection) -> Image:
        """A pattern of the person's own; the first pixel says which face of the frame it is."""
        index = self._index(detection)
        one = self._shown[index]
        pattern = np.random.default_rng(one.who if one.wears is None else one.wears).integers(0, 256, (28, 28, 3))
        crop = cv2.resize(pattern.astype(np.uint8), (112, 112), interpolation=cv2.INTER_NEAREST)
        crop[0, 0] = index
        return cast(Image, crop)

    def measure_quality(self, image: Image, detection: Detection, aligned: Image) -> Quality:
        one = self._shown[self._index(detection)]
        return Quality(one.quality, one.reasons, Pose(0, 0, 0), one.size, 40, 120, 50, 200)

    def embed(self, aligned: Sequence[Image]) -> Vector:
        self.embedded[-1] += len(aligned)
        shown = [self._shown[int(crop[0, 0, 0])] for crop in aligned]
        vectors = [towards(one.who, one.score, one.rest) for one in shown]
        return np.array(vectors, np.float32).reshape(-1, DIMENSION)

    def check_liveness(self, image: Image, detection: Detection) -> Liveness:
        self.liveness_checks += 1
        one = self._shown[self._index(detection)]
        if one.live is None:
            return Liveness()
        return Liveness(verdict_for(one.live, surrounded=one.surrounded), one.live, one.surrounded)


def make_gallery(*people: tuple[str, int], contract_id: str = "space") -> GallerySnapshot:
    rows = [TemplateRow(number, person, towards(axis)) for number, (person, axis) in enumerate(people)]
    return GallerySnapshot.build(rows, contract_id=contract_id, dimension=DIMENSION, revision=1)


GALLERY = make_gallery(("anna", ANNA), ("bert", BERT))


class Stream:
    """A fuser with its scripted engine and a clock."""

    def __init__(
        self,
        policy: DecisionPolicy = POLICY,
        *,
        claimed: str | None = None,
        gallery: GallerySnapshot = GALLERY,
        liveness_models: bool = True,
    ) -> None:
        self.engine = ScriptedEngine(liveness_models)
        self.gallery = gallery
        self.now = 0.0
        self.decisions: list[Decision] = []
        self._fuser = TrackFuser(
            cast(FaceEngine, self.engine),
            policy,
            claimed=claimed,
            check_liveness=policy.liveness != LivenessMode.OFF,
        )

    def show(self, *looks: Looks, after: float = 0.1, skipped: int = 0) -> FrameOutcome:
        self.now += after
        outcome = self._fuser.process(self.engine.show(looks), self.gallery, skipped=skipped, now=self.now)
        self.decisions += outcome.decisions
        return outcome

    def repeat(self, times: int, *looks: Looks, after: float = 0.1) -> FrameOutcome:
        return [self.show(*looks, after=after) for _ in range(times)][-1]

    def begin_challenge(self, track: int, prompts: Sequence[Prompt]) -> None:
        assert self._fuser.begin_challenge(track, prompts, now=self.now)

    def only(self) -> Decision:
        [decision] = self.decisions
        return decision


def face_of(outcome: FrameOutcome) -> TrackedFace:
    [face] = outcome.faces
    return face


class TestDecision:
    def test_comes_with_the_third_agreeing_frame(self):
        stream = Stream()
        before = stream.repeat(2, Looks(ANNA))
        assert (face_of(before).verdict, before.decisions) == (Verdict.PENDING, ())
        after = stream.show(Looks(ANNA))

        decision = stream.only()
        assert (decision.verdict, decision.person_id, decision.comparison.reasons) == (Verdict.MATCH, "anna", ())
        assert (decision.conclusion.agreed, decision.conclusion.seen) == (3, 3)
        assert decision.comparison.comparison_score == approx_cosine(0.9, DIMENSION)
        assert (face_of(after).verdict, face_of(after).person_id) == (Verdict.MATCH, "anna")

    def test_is_made_once_and_kept_while_the_track_lasts(self):
        stream = Stream()
        outcomes = [stream.show(Looks(ANNA)) for _ in range(60)]
        assert stream.only().track == 1
        assert {face_of(outcome).verdict for outcome in outcomes[3:]} == {Verdict.MATCH}

    def test_of_a_stranger_is_a_non_match(self):
        stream = Stream()
        stream.repeat(3, Looks(STRANGER))
        assert (stream.only().verdict, stream.only().comparison.reasons) == (Verdict.NON_MATCH, ("below_threshold",))

    def test_of_a_doubtful_face_waits_for_the_frame_limit(self):
        stream = Stream()
        stream.repeat(7, Looks(ANNA, score=0.36))
        assert stream.decisions == []
        stream.show(Looks(ANNA, score=0.36))
        assert (stream.only().verdict, stream.only().comparison.reasons) == (Verdict.UNCERTAIN, ("between_thresholds",))
        assert stream.only().conclusion.seen == 8

    def test_without_anybody_enrolled_says_so(self):
        stream = Stream(gallery=make_gallery())
        stream.repeat(3, Looks(ANNA))
        assert (stream.only().verdict, stream.only().comparison.reasons) == (Verdict.NON_MATCH, ("gallery_empty",))
        assert stream.only().comparison.comparison_score is None

    def test_counts_skipped_frames_towards_the_limit(self):
        stream = Stream()
        stream.show(Looks(ANNA, score=0.36))
        stream.show(Looks(ANNA, score=0.36), skipped=6)
        assert (stream.only().verdict, stream.only().conclusion.seen) == (Verdict.UNCERTAIN, 2)

    def test_of_a_burst_of_ten_frames_comes_even_when_only_the_last_is_looked_at(self):
        stream = Stream()
        stream.show(Looks(ANNA), skipped=9)
        assert stream.only().verdict == Verdict.MATCH

    def test_is_not_made_about_a_face_that_left_too_soon(self):
        stream = Stream()
        stream.repeat(2, Looks(ANNA))
        stream.repeat(20, after=0.1)
        assert stream.decisions == []

    def test_carries_the_best_frame(self):
        stream = Stream()
        stream.show(Looks(ANNA, quality=0.5))
        stream.show(Looks(ANNA, quality=0.8))
        stream.show(Looks(ANNA, quality=0.6))
        assert stream.only().best.quality.score == 0.8
        assert stream.only().best.aligned.shape == (112, 112, 3)

    def test_in_a_large_gallery_is_held_to_a_stricter_threshold(self):
        thresholds = ((1e-4, 0.4), (1e-5, 0.5))
        crowd = [TemplateRow(n, f"p{n}", towards(ANNA if n == 0 else 4 + n % 12)) for n in range(2_000)]
        gallery = GallerySnapshot.build(crowd, contract_id="space", dimension=DIMENSION, revision=1)
        stream = Stream(replace(POLICY, thresholds=thresholds), gallery=gallery)
        outcome = stream.repeat(8, Looks(ANNA, score=0.55))
        stricter = 0.5 + 0.1 * 2 / 3  # beyond 1e-5 thresholds grow by two thirds of the last known decade
        assert outcome.match_threshold == pytest.approx(stricter)
        assert stream.only().verdict == Verdict.UNCERTAIN
        assert (stream.only().match_threshold, stream.only().policy.fmr) == pytest.approx((stricter, 1e-6))

    def test_needs_a_gallery_of_the_engine_s_own_space(self):
        stream = Stream(gallery=make_gallery(("anna", ANNA), contract_id="another space"))
        with pytest.raises(ContractMismatch):
            stream.show(Looks(ANNA))


class TestClaim:
    @pytest.mark.parametrize(
        ("claimed", "verdict", "reasons"),
        [
            ("anna", Verdict.MATCH, ()),
            ("bert", Verdict.NON_MATCH, ("below_threshold",)),
        ],
    )
    def test_is_held_against_the_claimed_person_alone(self, claimed, verdict, reasons):
        stream = Stream(claimed=claimed)
        stream.repeat(3, Looks(ANNA))
        assert (stream.only().verdict, stream.only().comparison.reasons) == (verdict, reasons)
        assert (stream.only().person_id, stream.only().comparison.runner_up) == (claimed, None)

    def test_needs_no_margin_to_others(self):
        alike = make_gallery(("anna", ANNA), ("twin", ANNA))
        claim, search = Stream(claimed="anna", gallery=alike), Stream(gallery=alike)
        for stream in (claim, search):
            stream.repeat(8, Looks(ANNA))
        assert claim.only().verdict == Verdict.MATCH
        assert (search.only().verdict, search.only().comparison.reasons) == (Verdict.UNCERTAIN, ("margin_too_small",))

    def test_about_somebody_without_templates_is_uncertain(self):
        stream = Stream(claimed="cleo")
        stream.repeat(8, Looks(ANNA))
        assert (stream.only().verdict, stream.only().comparison.reasons) == (
            Verdict.UNCERTAIN,
            ("person_not_enrolled",),
        )


class TestTurnedCamera:
    """A phone that is turned in mid-session sends pictures of another shape: no face is where it was."""

    def test_keeps_its_face_and_its_decision(self):
        stream = Stream()
        stream.repeat(3, Looks(ANNA))
        stream.engine.shape = (640, 480, 3)
        outcome = stream.show(Looks(ANNA))

        assert stream.engine.embedded[-1] == 1
        assert (face_of(outcome).track, face_of(outcome).person_id) == (1, "anna")
        assert stream.repeat(20, Looks(ANNA)).decisions == ()
        assert stream.only().track == 1

    def test_names_nobody_for_having_the_place_and_the_look_of_somebody(self):
        stream = Stream()
        stream.repeat(3, Looks(ANNA))
        stream.engine.shape = (640, 480, 3)
        outcome = stream.show(Looks(STRANGER, wears=ANNA))

        assert (face_of(outcome).verdict, face_of(outcome).track) == (Verdict.PENDING, 2)


class TestQuality:
    def test_poor_frames_alone_never_deny(self):
        stream = Stream()
        stream.repeat(8, Looks(STRANGER, reasons=(Reason.BLURRED, Reason.TOO_DARK), quality=0.2))
        assert stream.only().verdict == Verdict.UNCERTAIN
        assert stream.only().comparison.reasons == ("low_quality", "blurred", "too_dark")

    def test_a_good_frame_among_poor_ones_speaks_for_all(self):
        stream = Stream()
        stream.repeat(5, Looks(ANNA, score=0.2, reasons=(Reason.TURNED_AWAY,), quality=0.2))
        stream.repeat(3, Looks(ANNA))
        assert (stream.only().verdict, stream.only().best.quality.score) == (Verdict.MATCH, 0.9)
        assert stream.only().comparison.comparison_score == approx_cosine(0.9, DIMENSION)

    def test_an_uncertain_face_is_judged_anew_when_a_clearly_better_frame_comes(self):
        stream = Stream()
        stream.repeat(8, Looks(ANNA, score=0.35, rest=21, reasons=(Reason.BLURRED,), quality=0.3))
        stream.repeat(5, Looks(ANNA, quality=0.9))
        assert [decision.verdict for decision in stream.decisions] == [Verdict.UNCERTAIN, Verdict.MATCH]
        assert stream.decisions[0].track != stream.decisions[1].track

    def test_a_better_frame_that_settles_nothing_is_looked_at_once(self):
        stream = Stream()
        stream.repeat(8, Looks(ANNA, score=0.36, quality=0.4))
        stream.repeat(10, Looks(ANNA, score=0.36, quality=0.8))
        assert sum(stream.engine.embedded[8:]) == 1
        assert stream.only().verdict == Verdict.UNCERTAIN

    def test_an_uncertain_face_that_stays_as_it_is_stays_uncertain(self):
        stream = Stream()
        stream.repeat(80, Looks(ANNA, score=0.36))
        assert stream.only().verdict == Verdict.UNCERTAIN


class TestEconomy:
    def test_a_decided_face_is_embedded_every_two_seconds_only(self):
        stream = Stream()
        stream.repeat(3 + 40, Looks(ANNA))
        assert sum(stream.engine.embedded[:3]) == 3
        assert sum(stream.engine.embedded[3:]) == 2

    def test_a_sudden_change_of_look_is_worth_an_embedding(self):
        stream = Stream()
        stream.repeat(5, Looks(ANNA))
        stream.show(Looks(ANNA, wears=CLEO))
        assert stream.engine.embedded[-1] == 1
        assert stream.only().track == 1

    def test_a_crowd_is_embedded_in_portions_and_everybody_is_decided(self):
        stream = Stream()
        crowd = [Looks(4 + n, left=n * 60, size=50) for n in range(12)]
        for _ in range(10):
            stream.show(*crowd)
        assert max(stream.engine.embedded) == EMBEDDINGS_PER_FRAME
        assert len({decision.track for decision in stream.decisions}) == 12

    def test_a_hall_full_of_faces_costs_no_more_than_its_largest_ones(self):
        stream = Stream()
        outcome = stream.show(*(Looks(4, left=n * 60, size=50) for n in range(3 * FACES_PER_FRAME)))
        assert len(outcome.faces) == FACES_PER_FRAME

    def test_liveness_off_runs_no_liveness_model(self):
        stream = Stream()
        stream.repeat(50, Looks(ANNA))
        assert stream.engine.liveness_checks == 0
        assert stream.only().liveness.verdict == LivenessVerdict.NOT_CHECKED


class TestContinuity:
    def test_two_people_who_change_places_keep_their_names(self):
        stream = Stream()
        stream.repeat(4, Looks(ANNA, left=100), Looks(BERT, left=400))
        after = stream.show(Looks(BERT, left=100), Looks(ANNA, left=400))
        assert [face.person_id for face in after.faces] == ["bert", "anna"]
        assert len(stream.decisions) == 2

    def test_a_decided_face_that_becomes_another_in_one_frame_is_judged_anew(self):
        stream = Stream()
        stream.repeat(4, Looks(ANNA))
        after = stream.show(Looks(STRANGER))
        assert (face_of(after).track, face_of(after).verdict) == (2, Verdict.PENDING)
        stream.repeat(2, Looks(STRANGER))
        assert [decision.verdict for decision in stream.decisions] == [Verdict.MATCH, Verdict.NON_MATCH]

    def test_even_a_look_alike_is_found_out_by_the_refresh(self):
        stream = Stream()
        stream.repeat(4, Looks(ANNA))
        outcomes = [stream.show(Looks(STRANGER, wears=ANNA)) for _ in range(25)]
        assert face_of(outcomes[0]).verdict == Verdict.MATCH
        assert (face_of(outcomes[-1]).track, face_of(outcomes[-1]).verdict) == (2, Verdict.NON_MATCH)

    def test_an_undecided_track_takes_no_evidence_of_somebody_else(self):
        stream = Stream()
        stream.repeat(2, Looks(ANNA))
        stream.repeat(3, Looks(BERT, wears=ANNA))
        assert (stream.only().person_id, stream.only().conclusion.seen) == ("bert", 3)

    @pytest.mark.parametrize(("hidden_for", "track"), [(0.8, 1), (1.5, 2)])
    def test_a_hidden_face_comes_back_as_the_same_track_within_a_second(self, hidden_for, track):
        stream = Stream()
        stream.repeat(4, Looks(ANNA))
        stream.show()
        after = stream.show(Looks(ANNA, left=300), after=hidden_for)
        assert face_of(after).track == track

    def test_somebody_else_in_the_place_of_a_hidden_face_is_a_new_track(self):
        stream = Stream()
        stream.repeat(4, Looks(ANNA))
        stream.show()
        after = stream.show(Looks(BERT, wears=ANNA))
        assert (face_of(after).track, face_of(after).verdict) == (2, Verdict.PENDING)

    def test_a_slow_stream_keeps_its_tracks_as_long_as_the_embedding_agrees(self):
        stream = Stream()
        stream.repeat(6, Looks(ANNA), after=3.0)
        assert stream.only().track == 1
        stream.show(Looks(BERT, wears=ANNA), after=3.0)
        stream.repeat(2, Looks(BERT, wears=ANNA), after=3.0)
        assert [decision.person_id for decision in stream.decisions] == ["anna", "bert"]

    def test_after_a_pause_even_a_look_alike_is_found_out_at_once(self):
        stream = Stream()
        stream.repeat(4, Looks(ANNA))
        after = stream.show(Looks(STRANGER, wears=ANNA), after=0.8)
        assert (face_of(after).track, face_of(after).verdict) == (2, Verdict.PENDING)

    def test_a_face_that_moves_a_little_stays_one_track(self):
        stream = Stream()
        for step in range(30):
            stream.show(Looks(ANNA, left=100 + 10 * step))
        assert stream.only().track == 1

    def test_a_turned_face_is_not_taken_for_somebody_else(self):
        stream = Stream()
        stream.repeat(3, Looks(ANNA))
        outcome = stream.repeat(30, Looks(ANNA, score=0.1, wears=ANNA, reasons=(Reason.TURNED_AWAY,), quality=0.3))
        assert face_of(outcome).track == 1

    def test_somebody_removed_from_the_gallery_loses_the_name_at_once(self):
        stream = Stream()
        stream.repeat(4, Looks(ANNA))
        stream.gallery = GALLERY.updated(removed=[0], revision=2)
        assert face_of(stream.show(Looks(ANNA))).verdict == Verdict.PENDING
        stream.repeat(2, Looks(ANNA))
        assert [decision.verdict for decision in stream.decisions] == [Verdict.MATCH, Verdict.NON_MATCH]


class TestVisit:
    def test_of_somebody_who_was_gone_for_seconds_is_one_decision_under_one_number(self):
        stream = Stream()
        stream.repeat(4, Looks(ANNA))
        stream.show()
        after = stream.show(Looks(ANNA, left=300), after=5.0)
        assert face_of(after).verdict == Verdict.PENDING, "the face is judged anew"
        after = stream.repeat(3, Looks(ANNA, left=300))
        assert (face_of(after).track, face_of(after).verdict) == (stream.only().track, Verdict.MATCH)

    def test_of_a_stranger_is_one_decision_too(self):
        stream = Stream()
        for _ in range(4):
            stream.repeat(4, Looks(STRANGER))
            stream.repeat(2, after=1.5)
        assert stream.only().verdict == Verdict.NON_MATCH

    def test_ends_after_some_seconds(self):
        stream = Stream()
        stream.repeat(4, Looks(ANNA))
        stream.show()
        stream.repeat(4, Looks(ANNA), after=VISIT_SECONDS + 1.0)
        assert [decision.track for decision in stream.decisions] == [1, 2]

    def test_is_not_inherited_by_somebody_else(self):
        stream = Stream()
        stream.repeat(4, Looks(ANNA))
        stream.show()
        outcomes = [stream.show(Looks(STRANGER), after=after) for after in (2.0, 0.1, 0.1)]
        assert Verdict.MATCH not in {face_of(outcome).verdict for outcome in outcomes}
        assert [decision.verdict for decision in stream.decisions] == [Verdict.MATCH, Verdict.NON_MATCH]

    def test_does_not_hide_an_attack_with_the_same_face(self):
        stream = Stream(REQUIRED)
        stream.repeat(4, Looks(ANNA, live=0.95))
        stream.show()
        stream.show(Looks(ANNA, live=0.02), after=2.0)
        stream.repeat(8, Looks(ANNA, live=0.02))
        assert [decision.verdict for decision in stream.decisions] == [Verdict.MATCH, Verdict.ATTACK]

    def test_does_not_hide_doubt_whether_the_same_face_is_live(self):
        stream = Stream(REQUIRED)
        stream.repeat(4, Looks(ANNA, live=0.95))
        stream.show()
        stream.show(Looks(ANNA, live=0.5), after=2.0)
        stream.repeat(8, Looks(ANNA, live=0.5))
        assert [decision.verdict for decision in stream.decisions] == [Verdict.MATCH, Verdict.UNCERTAIN]

    def test_does_not_hide_that_doubt_has_cleared_up(self):
        stream = Stream()
        stream.repeat(8, Looks(ANNA, score=0.36))
        stream.show()
        stream.show(Looks(ANNA, score=0.9), after=2.0)
        stream.repeat(4, Looks(ANNA, score=0.9))
        assert [decision.verdict for decision in stream.decisions] == [Verdict.UNCERTAIN, Verdict.MATCH]

    def test_is_not_told_again_when_a_later_look_says_less(self):
        stream = Stream()
        stream.repeat(4, Looks(ANNA))
        stream.show()
        stream.show(Looks(ANNA, score=0.45, reasons=(Reason.BLURRED,)), after=2.0)
        stream.repeat(10, Looks(ANNA, score=0.45, reasons=(Reason.BLURRED,)))
        assert stream.only().verdict == Verdict.MATCH

    def test_outlasts_a_head_that_turns_away_at_once(self):
        """Turned so fast that neither look nor embedding says who it is: it is waited for, and named by nobody."""
        stream = Stream()
        stream.repeat(4, Looks(ANNA))
        averted = Looks(ANNA, score=0.1, wears=CLEO, rest=25, reasons=(Reason.TURNED_AWAY,), quality=0.3)
        outcomes = [stream.show(averted) for _ in range(12)]
        assert {face_of(outcome).verdict for outcome in outcomes} == {Verdict.PENDING}
        after = stream.repeat(4, Looks(ANNA))
        assert (face_of(after).track, stream.only().track) == (1, 1)

    def test_of_a_turned_head_that_nobody_knew_before_is_decided_in_time(self):
        stream = Stream()
        stream.repeat(8, Looks(ANNA, score=0.1, reasons=(Reason.TURNED_AWAY,), quality=0.3))
        assert stream.only().verdict == Verdict.UNCERTAIN


class TestFailedChallenge:
    PROMPTS = (Prompt.TURN_LEFT, Prompt.LOOK_UP)

    def fail(self, stream: Stream) -> None:
        """Anna is recognised, and then does not move."""
        stream.repeat(4, Looks(ANNA))
        stream.begin_challenge(1, self.PROMPTS)
        stream.repeat(5, Looks(ANNA))
        stream.show(Looks(ANNA), after=STEP_SECONDS + 0.1)

    def test_is_an_outcome_of_its_own(self):
        stream = Stream()
        self.fail(stream)
        named, failed = stream.decisions
        assert (named.verdict, named.track) == (Verdict.MATCH, failed.track)
        assert (failed.verdict, failed.comparison.reasons) == (Verdict.UNCERTAIN, (Reason.CHALLENGE_TIMEOUT,))

    def test_is_not_overtaken_by_the_next_good_look(self):
        stream = Stream()
        self.fail(stream)
        after = stream.repeat(60, Looks(ANNA))
        assert (face_of(after).verdict, len(stream.decisions)) == (Verdict.UNCERTAIN, 2)

    def test_is_not_undone_by_stepping_aside(self):
        stream = Stream()
        self.fail(stream)
        stream.show()
        stream.show(Looks(ANNA), after=3.0)
        after = stream.repeat(5, Looks(ANNA))
        assert (face_of(after).verdict, len(stream.decisions)) == (Verdict.UNCERTAIN, 2)

    def test_of_somebody_who_walked_away_is_an_outcome_too(self):
        stream = Stream()
        stream.repeat(4, Looks(ANNA))
        stream.begin_challenge(1, self.PROMPTS)
        stream.repeat(5, Looks(ANNA))
        stream.show(after=LOST_SECONDS + 0.1)
        assert [one.comparison.reasons for one in stream.decisions] == [(), (Reason.CHALLENGE_FACE_LOST,)]

    def test_that_was_cancelled_is_none(self):
        stream = Stream()
        stream.repeat(4, Looks(ANNA))
        stream.begin_challenge(1, self.PROMPTS)
        stream.begin_challenge(1, self.PROMPTS)
        after = stream.show(Looks(ANNA))
        assert (face_of(after).verdict, stream.only().verdict) == (Verdict.MATCH, Verdict.MATCH)


class TestTwoFaces:
    def test_of_two_that_match_one_person_the_better_gets_the_name(self):
        stream = Stream()
        weaker, better = Looks(ANNA, left=100, score=0.6), Looks(ANNA, left=400, score=0.9, rest=22)
        stream.repeat(3, weaker, better)
        first, second = stream.decisions
        assert (first.verdict, first.comparison.reasons) == (Verdict.UNCERTAIN, ("person_already_matched",))
        assert (second.verdict, second.person_id) == (Verdict.MATCH, "anna")

    def test_whoever_was_decided_first_keeps_the_name(self):
        stream = Stream()
        weaker, better = Looks(ANNA, left=100, score=0.6), Looks(ANNA, left=400, score=0.9, rest=22)
        stream.repeat(3, weaker)
        outcome = stream.repeat(60, weaker, better)
        assert [face.verdict for face in outcome.faces] == [Verdict.MATCH, Verdict.UNCERTAIN]
        assert len(stream.decisions) == 2

    def test_a_name_given_while_its_owner_was_hidden_is_shown_only_once(self):
        stream = Stream()
        owner, other = Looks(ANNA, left=100, score=0.6), Looks(ANNA, left=400, score=0.5, rest=22)
        stream.repeat(3, owner)
        stream.repeat(3, other)
        outcome = stream.show(owner, other)
        assert [decision.verdict for decision in stream.decisions] == [Verdict.MATCH, Verdict.MATCH]
        assert [face.verdict for face in outcome.faces] == [Verdict.MATCH, Verdict.UNCERTAIN]
        assert outcome.faces[1].comparison.reasons == ("person_already_matched",)

    def test_two_people_are_both_named(self):
        stream = Stream()
        stream.repeat(3, Looks(ANNA, left=100), Looks(BERT, left=400))
        assert [decision.person_id for decision in stream.decisions] == ["anna", "bert"]


class TestLiveness:
    def test_a_live_face_matches_after_three_checks(self):
        stream = Stream(REQUIRED)
        stream.repeat(10, Looks(ANNA))
        assert (stream.only().verdict, stream.only().liveness) == (
            Verdict.MATCH,
            Liveness(LivenessVerdict.BONA_FIDE, 0.95),
        )
        assert (stream.only().conclusion.seen, stream.engine.liveness_checks) == (3, 3)

    def test_is_checked_again_with_the_refresh(self):
        stream = Stream(REQUIRED)
        stream.repeat(3 + 41, Looks(ANNA))
        assert stream.engine.liveness_checks == 3 + 2

    @pytest.mark.parametrize("who", [ANNA, STRANGER])
    def test_an_attack_names_nobody(self, who):
        stream = Stream(REQUIRED)
        stream.repeat(10, Looks(who, live=0.05))
        assert (stream.only().verdict, stream.only().person_id) == (Verdict.ATTACK, None)
        assert stream.only().comparison.reasons == ("liveness_attack",)

    @pytest.mark.parametrize("who", [ANNA, STRANGER])
    def test_doubt_never_denies(self, who):
        stream = Stream(REQUIRED)
        stream.repeat(10, Looks(who, live=0.6))
        assert (stream.only().verdict, stream.only().comparison.reasons) == (Verdict.UNCERTAIN, ("liveness_uncertain",))
        assert stream.only().conclusion.seen == 8

    @pytest.mark.parametrize("who", [ANNA, STRANGER])
    def test_a_face_that_fills_the_picture_is_never_shown_to_be_live_and_is_asked_back(self, who):
        stream = Stream(REQUIRED)
        stream.repeat(10, Looks(who, live=0.95, surrounded=False))
        assert (stream.only().verdict, stream.only().comparison.reasons) == (
            Verdict.UNCERTAIN,
            ("liveness_uncertain", "face_too_large"),
        )
        assert stream.only().liveness.verdict == LivenessVerdict.UNCERTAIN

    def test_a_face_that_fills_the_picture_may_still_be_shown_to_be_an_attack(self):
        stream = Stream(REQUIRED)
        stream.repeat(10, Looks(ANNA, live=0.05, surrounded=False))
        assert stream.only().verdict == Verdict.ATTACK

    def test_close_looks_count_for_nothing_beside_looks_from_further_away(self):
        stream = Stream(REQUIRED)
        for _ in range(5):
            stream.show(Looks(ANNA, live=0.95, surrounded=False))
        for _ in range(3):
            stream.show(Looks(ANNA, live=0.05))
        assert (stream.only().verdict, stream.only().liveness.score) == (Verdict.ATTACK, 0.05)

    def test_a_face_that_moves_back_is_judged_anew(self):
        stream = Stream(REQUIRED)
        stream.repeat(10, Looks(ANNA, live=0.95, surrounded=False))
        stream.repeat(50, Looks(ANNA, live=0.95))
        assert [decision.verdict for decision in stream.decisions] == [Verdict.UNCERTAIN, Verdict.MATCH]

    def test_advisory_does_not_wait_for_a_face_to_move_back(self):
        stream = Stream(replace(POLICY, liveness=LivenessMode.ADVISORY))
        stream.repeat(3, Looks(ANNA, live=0.95, surrounded=False))
        assert (stream.only().verdict, stream.only().liveness.verdict) == (Verdict.MATCH, LivenessVerdict.UNCERTAIN)

    def test_scores_that_disagree_wait_for_more(self):
        stream = Stream(REQUIRED)
        for live in (0.4, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9):
            stream.show(Looks(ANNA, live=live))
        assert stream.decisions == []
        stream.show(Looks(ANNA, live=0.9))
        assert stream.only().verdict == Verdict.MATCH

    def test_advisory_reports_an_attack_and_lets_the_comparison_decide(self):
        stream = Stream(replace(POLICY, liveness=LivenessMode.ADVISORY))
        stream.repeat(3, Looks(ANNA, live=0.05))
        assert (stream.only().verdict, stream.only().liveness.verdict) == (Verdict.MATCH, LivenessVerdict.ATTACK)

    def test_required_without_liveness_models_is_uncertain_and_says_why(self):
        stream = Stream(REQUIRED, liveness_models=False)
        stream.repeat(3, Looks(ANNA))
        assert (stream.only().verdict, stream.only().comparison.reasons) == (
            Verdict.UNCERTAIN,
            ("liveness_unavailable",),
        )

    def test_a_live_face_that_becomes_a_picture_of_it_is_judged_anew(self):
        stream = Stream(REQUIRED)
        stream.repeat(5, Looks(ANNA))
        stream.repeat(80, Looks(ANNA, live=0.05))
        assert [decision.verdict for decision in stream.decisions] == [Verdict.MATCH, Verdict.ATTACK]

    def test_doubt_that_clears_up_is_judged_anew(self):
        stream = Stream(REQUIRED)
        stream.repeat(8, Looks(ANNA, live=0.6))
        stream.repeat(80, Looks(ANNA, live=0.95))
        assert [decision.verdict for decision in stream.decisions] == [Verdict.UNCERTAIN, Verdict.MATCH]


class TestDecideStill:
    def test_decides_every_face_of_one_picture(self):
        engine = ScriptedEngine()
        image = engine.show([Looks(ANNA, left=100), Looks(STRANGER, left=300), Looks(BERT, left=500)])
        outcome = decide_still(cast(FaceEngine, engine), image, Question(GALLERY, REQUIRED))
        assert [decision.verdict for decision in outcome.decisions] == [Verdict.MATCH, Verdict.NON_MATCH, Verdict.MATCH]
        assert [face.person_id for face in outcome.faces if face.verdict == Verdict.MATCH] == ["anna", "bert"]
        assert engine.liveness_checks == 3

    def test_decides_every_face_of_a_group_picture(self):
        engine = ScriptedEngine()
        image = engine.show([Looks(4 + n % 12, left=n * 30, size=25) for n in range(20)])
        outcome = decide_still(cast(FaceEngine, engine), image, Question(GALLERY, POLICY))
        assert {decision.track for decision in outcome.decisions} == {face.track for face in outcome.faces}
        assert len(outcome.decisions) == 20

    def test_holds_a_claim_against_every_face(self):
        engine = ScriptedEngine()
        image = engine.show([Looks(ANNA, left=100), Looks(BERT, left=300)])
        outcome = decide_still(cast(FaceEngine, engine), image, Question(GALLERY, POLICY, claimed="bert"))
        assert [decision.verdict for decision in outcome.decisions] == [Verdict.NON_MATCH, Verdict.MATCH]


def enroll(engine: FaceEngine, **pictures: list[Image]) -> GallerySnapshot:
    rows: list[TemplateRow] = []
    for person, images in pictures.items():
        for image in images:
            crop = engine.align(image, engine.detect(image)[0])
            rows.append(TemplateRow(len(rows), person, engine.embed([crop])[0]))
    return GallerySnapshot.build(rows, contract_id=engine.contract_id, dimension=engine.dimension, revision=1)


def play(
    engine: FaceEngine, policy: DecisionPolicy, gallery: GallerySnapshot, frames: list[Image]
) -> list[FrameOutcome]:
    fuser = TrackFuser(engine, policy, check_liveness=policy.liveness != LivenessMode.OFF)
    return [fuser.process(frame, gallery, now=number / 10) for number, frame in enumerate(frames)]


@pytest.fixture(scope="module")
def clips(shared_faces: Path) -> dict[str, list[Image]]:
    return {path.stem: list(clip_frames(path)) for path in sorted((shared_faces / "webcam").glob("*.mjpeg"))}


@pytest.fixture(scope="module")
def gallery(engine: FaceEngine, clips: dict[str, list[Image]]) -> GallerySnapshot:
    return enroll(engine, male=clips["real_male"][:20:7], visitor=clips["real_T1"][:20:7])


@pytest.fixture
def policy(engine: FaceEngine) -> DecisionPolicy:
    return policy_for(engine.pack, 1e-4, LivenessMode.REQUIRED)


class TestRealClips:
    @pytest.mark.parametrize(("clip", "person"), [("real_male", "male"), ("real_T1", "visitor")])
    def test_a_live_person_is_named_once(self, engine, clips, gallery, policy, clip, person):
        outcomes = play(engine, policy, gallery, clips[clip])
        [decision] = [decision for outcome in outcomes for decision in outcome.decisions]
        assert (decision.verdict, decision.person_id) == (Verdict.MATCH, person)
        assert decision.liveness.verdict == LivenessVerdict.BONA_FIDE
        assert {face.track for outcome in outcomes for face in outcome.faces} == {1}

    def test_a_stranger_who_turns_their_head_is_not_named(self, engine, clips, gallery, policy):
        outcomes = play(engine, policy, gallery, clips["real_female"])
        decisions = [decision for outcome in outcomes for decision in outcome.decisions]
        assert decisions
        assert Verdict.MATCH not in {decision.verdict for decision in decisions}

    @pytest.mark.parametrize("clip", ["spoof_F1", "spoof_F2"])
    def test_a_picture_held_up_is_an_attack(self, engine, clips, policy, clip):
        gallery = enroll(engine, victim=clips[clip][:9:4])
        outcomes = play(engine, policy, gallery, clips[clip])
        verdicts = {decision.verdict for outcome in outcomes for decision in outcome.decisions}
        assert verdicts == {Verdict.ATTACK}

    def test_without_liveness_the_same_picture_would_be_named(self, engine, clips, policy):
        """So that the test above shows liveness at work, not a comparison that fails anyway."""
        gallery = enroll(engine, victim=clips["spoof_F2"][:9:4])
        outcomes = play(engine, replace(policy, liveness=LivenessMode.OFF), gallery, clips["spoof_F2"])
        assert [d.verdict for outcome in outcomes for d in outcome.decisions] == [Verdict.MATCH]

    def test_a_room_without_a_face_has_no_tracks(self, engine, clips, gallery, policy):
        assert [face for outcome in play(engine, policy, gallery, clips["no_face"]) for face in outcome.faces] == []

    def test_in_a_picture_repeated_ten_times_the_decision_comes_within_those(self, engine, clips, gallery, policy):
        outcomes = play(engine, policy, gallery, [clips["real_male"][30]] * 10)
        assert [len(outcome.decisions) for outcome in outcomes] == [0, 0, 1] + [0] * 7

    def test_two_people_side_by_side_are_told_apart(self, engine, clips, policy):
        """Two pictures of known people in one frame; then they change places."""
        man, visitor = clips["real_male"][0], clips["real_T1"][0]
        gallery = enroll(engine, male=[man], visitor=[visitor])
        visitor = cast(Image, cv2.resize(visitor, (270, 360)))
        frames = [np.hstack(pair) for pair in [(man, visitor)] * 5 + [(visitor, man)] * 5]
        outcomes = play(engine, policy, gallery, cast(list[Image], frames))
        named = [
            [
                face.person_id
                for face in sorted(outcome.faces, key=lambda face: float(face.sighting.detection.box_xyxy[0]))
            ]
            for outcome in outcomes[4:6]
        ]
        assert named == [["male", "visitor"], ["visitor", "male"]]
        assert len([d for outcome in outcomes for d in outcome.decisions if d.verdict == Verdict.MATCH]) == 2

    def test_a_calm_face_is_not_embedded_again_for_two_seconds(self, engine, clips, gallery, policy, monkeypatch):
        counts, embed = [], engine.embed

        def count(aligned: Sequence[Image]) -> Vector:
            counts.append(len(aligned))
            return cast(Vector, embed(aligned))

        monkeypatch.setattr(engine, "embed", count)
        play(engine, policy, gallery, clips["real_male"][:22])
        assert counts == [1] * 3 + [0] * 19
