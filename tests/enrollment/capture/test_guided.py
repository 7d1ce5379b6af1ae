from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from enrollment.capture.guided import AIMS, MAX_FACES, GuidedCapture, Models, observe_frame, same_person_threshold
from enrollment.samples.drafts import SIDE_YAW, draft_from_face, pose_bucket
from recognizer.errors import ImageUndecodable
from recognizer.stages.liveness import verdict_for
from recognizer.types import Detection, Face, Liveness, LivenessMode, Pose
from tests.enrollment.conftest import CONTRACT, QUALITY, unit_vector
from tests.support.webcam import clip_frames, jpeg

SIZE = (640, 480)
LEFT, RIGHT = 20.0, -20.0


class Scene:
    """A capture in front of which one face is moved about; its embedding is a mix of `identity` and `look`."""

    def __init__(self, *, liveness=LivenessMode.OFF, **options):
        self.capture = GuidedCapture(contract_id=CONTRACT, same_person_threshold=0.25, liveness=liveness, **options)
        self.embedded = 0
        self.size = SIZE
        self.live: float | None = 0.95
        self.surrounded = True
        self.checks = 0
        self.vector = unit_vector(1)

    def face(self, *, yaw=0.0, centre=(320, 240), size=160.0, **quality):
        x, y = centre
        box = np.array([x - size / 2, y - size / 2, x + size / 2, y + size / 2], np.float32)
        seen = replace(QUALITY, pose=Pose(yaw, 0.0, 0.0), face_size=size, **quality)
        return Face(Detection(box, np.zeros((5, 2), np.float32), 0.9), np.zeros((112, 112, 3), np.uint8), seen)

    def show(self, *faces, skipped=0):
        return self.capture.look(faces, self.size, Models(self.embed, self.check_liveness), skipped=skipped)

    def hold(self, frames=4, **face):
        """The same face for some frames; the numbers of the samples that were taken and the last guidance."""
        answers = [self.show(self.face(**face)) for _ in range(frames)]
        return [taken.number for _, taken in answers if taken], answers[-1][0]

    def embed(self, crops):
        self.embedded += len(crops)
        return np.stack([self.vector for _ in crops])

    def check_liveness(self, detection):
        self.checks += 1
        if self.live is None:
            return Liveness()
        return Liveness(verdict_for(self.live, surrounded=self.surrounded), self.live, self.surrounded)

    def look_like(self, likeness, *, other=2):
        """Another view of the same person: cosine `likeness` to the first one."""
        first, across = unit_vector(1), unit_vector(other)
        across = across - (across @ first) * first
        across /= np.linalg.norm(across)
        self.vector = (likeness * first + np.sqrt(1 - likeness**2) * across).astype(np.float32)


class TestFaults:
    @pytest.mark.parametrize(
        ("face", "code"),
        [
            ({"size": 40.0}, "face_too_small"),
            ({"centre": (100, 240)}, "face_off_centre"),
            ({"centre": (320, 440)}, "face_off_centre"),
            ({"reasons": ("too_dark", "blurred")}, "too_dark"),
            ({"reasons": ("eyes_hidden",)}, "eyes_hidden"),
        ],
    )
    def test_are_said_and_nothing_is_taken(self, face, code):
        assert Scene().hold(6, **face) == ([], code)

    def test_no_face(self):
        assert Scene().show() == ("no_face", None)

    def test_several_faces(self):
        scene = Scene()
        for _ in range(6):
            answer = scene.show(scene.face(), scene.face(centre=(500, 240), size=120.0))
        assert answer == ("several_faces", None)

    def test_somebody_far_behind_does_not_count(self):
        scene = Scene()
        answers = [scene.show(scene.face(), scene.face(centre=(600, 100), size=40.0)) for _ in range(4)]
        assert any(taken for _, taken in answers)

    def test_cost_no_embedding(self):
        scene = Scene()
        scene.hold(6, reasons=("too_dark",))
        assert scene.embedded == 0


class TestShutter:
    def test_takes_a_still_frontal_picture_within_a_few_frames(self):
        scene = Scene()
        assert scene.show(scene.face()) == ("hold_still", None)
        assert scene.show(scene.face()) == ("hold_still", None)
        guidance, taken = scene.show(scene.face())
        assert (guidance, taken.number, taken.draft.pose) == ("turn_left", 1, "front")

    def test_takes_it_once_however_long_it_stays(self):
        scene = Scene()
        assert scene.hold(40) == ([1], "turn_left")

    def test_waits_while_the_face_moves(self):
        scene = Scene()
        for x in range(200, 440, 20):
            assert scene.show(scene.face(centre=(x, 240))) == ("hold_still", None)
        assert scene.hold(3, centre=(420, 240)) == ([1], "turn_left")

    def test_starts_anew_when_a_phone_is_turned(self):
        scene = Scene()
        scene.show(scene.face(centre=(280, 280)))
        scene.show(scene.face(centre=(280, 280)))
        scene.size = (480, 640)
        assert scene.show(scene.face(centre=(280, 280))) == ("hold_still", None)
        assert scene.hold(2, centre=(280, 280)) == ([1], "turn_left")

    def test_waits_while_the_face_comes_closer(self):
        scene = Scene()
        for size in (100.0, 120.0, 140.0, 170.0, 200.0):
            assert scene.show(scene.face(size=size)) == ("hold_still", None)

    def test_starts_anew_after_a_fault(self):
        scene = Scene()
        scene.hold(2)
        scene.show()
        assert scene.hold(2) == ([], "hold_still")
        assert scene.hold(1) == ([1], "turn_left")

    def test_counts_frames_that_were_skipped_while_the_face_kept_its_place(self):
        scene = Scene()
        scene.show(scene.face())
        assert scene.show(scene.face(), skipped=8)[1].number == 1

    def test_takes_one_of_ten_frames_of_which_only_the_last_was_seen(self):
        scene = Scene()
        assert scene.show(scene.face(), skipped=9)[1].number == 1

    def test_does_not_count_skipped_frames_when_the_face_is_elsewhere_afterwards(self):
        scene = Scene()
        scene.show(scene.face())
        assert scene.show(scene.face(centre=(440, 240)), skipped=8) == ("hold_still", None)


class TestPoses:
    def test_are_asked_for_one_after_the_other(self):
        scene = Scene()
        assert scene.hold(4) == ([1], "turn_left")
        scene.look_like(0.8)
        assert scene.hold(4, yaw=LEFT) == ([2], "turn_right")
        scene.look_like(0.8, other=3)
        assert scene.hold(4, yaw=RIGHT) == ([3], "turned_away")
        scene.look_like(0.96, other=4)
        assert scene.hold(4) == ([4], "hold_still")
        scene.look_like(0.96, other=5)
        assert scene.hold(4) == ([5], "done")
        assert [draft.pose for draft in scene.capture.drafts()] == ["front", "left", "right", "front", "front"]

    def test_that_somebody_cannot_take_give_way_to_front_views(self):
        scene = Scene()
        assert scene.hold(4) == ([1], "turn_left")
        scene.capture.skip_pose()
        scene.capture.skip_pose()
        for number in range(2, 6):
            scene.look_like(0.96, other=number)
            taken, guidance = scene.hold(4)
            assert taken == [number]
        assert guidance == "done"
        assert {draft.pose for draft in scene.capture.drafts()} == {"front"}

    def test_may_come_in_another_order(self):
        scene = Scene()
        assert scene.hold(4, yaw=RIGHT) == ([1], "turned_away")
        scene.look_like(0.8)
        assert scene.hold(4, yaw=LEFT) == ([2], "turned_away")

    def test_nothing_is_taken_after_the_last_one(self):
        scene = Scene(needed=1)
        assert scene.hold(4) == ([1], "done")
        scene.look_like(0.5)
        assert scene.hold(6, yaw=LEFT) == ([], "done")

    def test_a_front_view_that_differs_a_little_is_welcome_while_front_samples_are_missing(self):
        scene = Scene()
        scene.hold(4)
        scene.look_like(0.9)
        assert scene.hold(4) == ([2], "turn_left")

    def test_another_picture_of_a_pose_that_is_complete_is_taken(self):
        scene = Scene()
        scene.hold(4, yaw=LEFT)
        scene.look_like(0.85)
        assert scene.hold(6, yaw=LEFT)[0] == []
        scene.look_like(0.6)
        assert scene.hold(6, yaw=LEFT)[0] == [2]


class TestContinuity:
    def test_refuses_another_face(self):
        scene = Scene()
        scene.hold(4)
        scene.look_like(0.1)
        assert scene.hold(6, yaw=LEFT) == ([], "different_person")

    def test_refuses_a_face_unlike_the_person_who_is_enrolled(self):
        scene = Scene(references=[unit_vector(1)])
        scene.look_like(0.1)
        assert scene.hold(6) == ([], "different_person")

    def test_takes_a_face_that_resembles_one_of_the_references(self):
        scene = Scene(references=[unit_vector(7), unit_vector(1)])
        scene.look_like(0.5)
        assert scene.hold(4)[0] == [1]


class TestLiveness:
    @pytest.fixture
    def scene(self):
        return Scene(liveness=LivenessMode.REQUIRED)

    def test_takes_a_live_face_after_three_looks_that_agree(self, scene):
        assert scene.hold(2) == ([], "hold_still")
        assert scene.hold(1) == ([1], "turn_left")
        assert scene.checks == 3

    def test_looks_while_the_face_comes_to_rest(self, scene):
        for x in range(200, 440, 20):
            scene.show(scene.face(centre=(x, 240)))
        assert scene.hold(3, centre=(420, 240))[0] == [1]
        assert scene.checks == 4

    def test_looks_once_for_each_further_sample_and_never_in_between(self, scene):
        scene.hold(30)
        scene.look_like(0.8)
        assert scene.hold(30, yaw=LEFT)[0] == [2]
        assert scene.checks == 4

    def test_never_takes_an_attack_and_says_so(self, scene):
        scene.live = 0.1
        assert scene.hold(100) == ([], "liveness_attack")

    def test_a_picture_left_before_the_camera_costs_little(self, scene):
        scene.live = 0.1
        scene.hold(105)
        assert (scene.embedded, scene.checks) == (0, 3 + 20)

    def test_one_low_score_calls_nobody_a_picture(self, scene):
        scene.live = 0.3
        assert scene.hold(1) == ([], "hold_still")
        scene.live = 0.95
        assert scene.hold(3) == ([1], "turn_left")

    def test_a_live_face_that_was_refused_is_taken_once_the_looks_have_changed(self, scene):
        scene.live = 0.3
        assert scene.hold(5)[1] == "liveness_attack"
        scene.live = 0.95
        assert scene.hold(40)[0] == [1]

    def test_the_frame_that_is_taken_is_none_that_looks_like_a_picture(self, scene):
        scene.hold(10)
        scene.look_like(0.8)
        scene.live = 0.1
        assert scene.hold(1, yaw=LEFT) == ([], "hold_still")

    def test_a_picture_pushed_before_a_live_face_is_not_taken(self, scene):
        scene.hold(5)
        scene.live = 0.1
        scene.look_like(0.8)
        assert scene.hold(30, yaw=LEFT) == ([], "liveness_attack")

    def test_another_face_is_looked_at_anew(self, scene):
        scene.live = 0.1
        scene.hold(8)
        scene.show()
        scene.live = 0.95
        assert scene.hold(6)[0] == [1]

    def test_doubt_takes_the_picture_and_asks_for_the_head_to_turn_both_ways(self, scene):
        scene.live = 0.6
        assert scene.hold(8) == ([1], "turn_left")
        assert scene.capture.doubtful
        scene.look_like(0.8)
        assert scene.hold(8, yaw=LEFT) == ([2], "turn_right")
        assert scene.capture.doubtful
        scene.look_like(0.8, other=3)
        scene.hold(8, yaw=RIGHT)
        assert not scene.capture.doubtful

    def test_doubt_keeps_the_places_of_the_two_sides(self, scene):
        scene.live = 0.6
        for number in range(8):
            scene.look_like(0.5, other=10 + number)
            scene.hold(9)
        assert [draft.pose for draft in scene.capture.drafts()] == ["front"] * 3

    def test_doubt_goes_with_the_sample_that_raised_it(self, scene):
        scene.live = 0.6
        scene.hold(8)
        scene.capture.discard(1)
        assert not scene.capture.doubtful

    def test_a_live_face_needs_no_turn(self, scene):
        scene.hold(5)
        assert not scene.capture.doubtful

    def test_a_face_that_fills_the_picture_is_asked_back(self, scene):
        scene.surrounded = False
        assert scene.hold(20) == ([], "face_too_large")

    def test_looks_wait_no_longer_than_eight_frames(self, scene):
        scene.live = 0.95
        assert scene.show(scene.face(), skipped=9)[1].number == 1
        scene = Scene(liveness=LivenessMode.REQUIRED)
        scene.live = 0.1
        assert scene.show(scene.face(), skipped=9) == ("liveness_attack", None)

    def test_a_pack_that_cannot_check_leaves_doubt(self, scene):
        scene.live = None
        assert scene.hold(3)[0] == [1]
        assert scene.capture.doubtful

    def test_advisory_takes_an_attack_and_notes_what_it_looks_like(self):
        scene = Scene(liveness=LivenessMode.ADVISORY)
        scene.live = 0.1
        assert scene.hold(3) == ([1], "turn_left")
        assert scene.capture.samples()[0].liveness == Liveness(verdict_for(0.1), 0.1)
        assert not scene.capture.doubtful

    def test_off_looks_at_nothing(self):
        scene = Scene(liveness=LivenessMode.OFF)
        scene.live = 0.1
        assert scene.hold(3) == ([1], "turn_left")
        assert (scene.checks, scene.capture.liveness) == (0, Liveness())


class TestDiscard:
    def test_lets_the_pose_be_taken_again_under_a_new_number(self):
        scene = Scene()
        scene.hold(4)
        assert scene.capture.discard(1)
        assert scene.capture.captured == 0
        assert scene.hold(4) == ([2], "turn_left")

    def test_says_when_there_is_no_such_sample(self):
        scene = Scene()
        scene.hold(4)
        assert not scene.capture.discard(2)
        assert scene.capture.discard(1)
        assert not scene.capture.discard(1)

    def test_goes_on_after_done(self):
        scene = Scene(needed=1)
        assert scene.hold(4)[1] == "done"
        scene.capture.discard(1)
        assert scene.hold(4) == ([2], "done")


class TestPoseBucket:
    @pytest.mark.parametrize(
        ("yaw", "bucket"), [(0, "front"), (SIDE_YAW, "front"), (-SIDE_YAW, "front"), (13, "left"), (-13, "right")]
    )
    def test_is_named_after_the_persons_own_side(self, yaw, bucket):
        assert pose_bucket(yaw) == bucket

    def test_needs_an_embedding_to_become_a_draft(self):
        with pytest.raises(ValueError, match="embedding"):
            draft_from_face(Scene().face(), contract_id=CONTRACT, source="webcam")


class TestRealClips:
    @pytest.fixture
    def watch(self, engine, shared_faces):
        """Show a clip, or its first frame again and again, to a new capture."""

        def make(name, *, still=0):
            capture = GuidedCapture(
                contract_id=engine.contract_id,
                same_person_threshold=same_person_threshold(engine),
                liveness=LivenessMode.REQUIRED,
            )
            frames = [jpeg(image) for image in clip_frames(shared_faces / "webcam" / name)]
            frames = frames[:1] * still or frames
            return capture, [observe_frame(engine, capture, frame) for frame in frames]

        return make

    def test_a_man_in_front_of_the_camera_is_captured(self, watch):
        capture, seen = watch("real_male.mjpeg")
        assert capture.captured >= 2
        assert seen[-1].guidance == "turn_left"

    def test_a_woman_who_turns_her_head_is_captured_from_both_sides(self, watch):
        capture, _ = watch("real_female.mjpeg")
        assert {"front", "left", "right"} <= {draft.pose for draft in capture.drafts()}

    def test_a_still_picture_is_captured_once_within_ten_frames(self, watch):
        capture, seen = watch("real_male.mjpeg", still=10)
        assert capture.captured == 1
        assert seen[-1].guidance == "turn_left"

    def test_an_empty_room_gives_guidance_only(self, watch):
        capture, seen = watch("no_face.mjpeg")
        assert capture.captured == 0
        assert {observation.guidance for observation in seen} == {"no_face"}

    def test_two_people_are_asked_to_come_one_at_a_time(self, watch):
        _, seen = watch("two_faces.mjpeg")
        two = [observation for observation in seen if len(observation.faces) > 1]
        assert two
        assert all(observation.guidance == "several_faces" and not observation.taken for observation in two)

    def test_the_sample_is_of_the_engines_space_with_a_thumbnail(self, watch, engine):
        capture, seen = watch("real_male.mjpeg", still=4)
        (draft,) = capture.drafts()
        assert draft.contract_id == engine.contract_id
        assert draft.embedding.shape == (engine.dimension,)
        taken = next(observation for observation in seen if observation.taken)
        assert taken.thumbnail.startswith(b"\xff\xd8")
        assert {"decode", "detect", "embed", "total"} <= set(taken.timings_ms)

    def test_bytes_that_are_no_picture_raise(self, engine):
        capture = GuidedCapture(contract_id=engine.contract_id, same_person_threshold=0.2, liveness=LivenessMode.OFF)
        with pytest.raises(ImageUndecodable):
            observe_frame(engine, capture, b"not a picture")


class TestBounds:
    def test_never_keeps_more_samples_than_needed(self):
        scene = Scene()
        for number in range(60):
            scene.look_like(0.5, other=10 + number)
            scene.hold(4, yaw=(number % 3 - 1) * 20.0)
        assert scene.capture.captured == len(AIMS)

    def test_measures_a_bounded_number_of_faces(self, engine, shared_faces, monkeypatch):
        image = next(clip_frames(shared_faces / "webcam" / "real_male.mjpeg"))
        detection = engine.detect(image)[0]
        monkeypatch.setattr(type(engine), "detect", lambda self, image: [detection] * 50)
        capture = GuidedCapture(contract_id=engine.contract_id, same_person_threshold=0.2, liveness=LivenessMode.OFF)
        assert len(observe_frame(engine, capture, jpeg(image)).faces) == MAX_FACES
