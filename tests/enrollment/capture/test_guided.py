from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from enrollment.capture.guided import AIMS, MAX_FACES, GuidedCapture, observe_frame, same_person_threshold
from enrollment.samples.drafts import SIDE_YAW, draft_from_face, pose_bucket
from recognizer.errors import ImageUndecodable
from recognizer.types import Detection, Face, Pose
from tests.enrollment.conftest import CONTRACT, QUALITY, unit_vector
from tests.support.webcam import clip_frames, jpeg

SIZE = (640, 480)
LEFT, RIGHT = 20.0, -20.0


class Scene:
    """A capture in front of which one face is moved about; its embedding is a mix of `identity` and `look`."""

    def __init__(self, **options):
        self.capture = GuidedCapture(contract_id=CONTRACT, same_person_threshold=0.25, **options)
        self.embedded = 0
        self.size = SIZE
        self.vector = unit_vector(1)

    def face(self, *, yaw=0.0, centre=(320, 240), size=160.0, **quality):
        x, y = centre
        box = np.array([x - size / 2, y - size / 2, x + size / 2, y + size / 2], np.float32)
        seen = replace(QUALITY, pose=Pose(yaw, 0.0, 0.0), face_size=size, **quality)
        return Face(Detection(box, np.zeros((5, 2), np.float32), 0.9), np.zeros((112, 112, 3), np.uint8), seen)

    def show(self, *faces, skipped=0):
        return self.capture.look(faces, self.size, self.embed, skipped=skipped)

    def hold(self, frames=4, **face):
        """The same face for some frames; the numbers of the samples that were taken and the last guidance."""
        answers = [self.show(self.face(**face)) for _ in range(frames)]
        return [taken.number for _, taken in answers if taken], answers[-1][0]

    def embed(self, crops):
        self.embedded += len(crops)
        return np.stack([self.vector for _ in crops])

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
            capture = GuidedCapture(contract_id=engine.contract_id, same_person_threshold=same_person_threshold(engine))
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
        capture = GuidedCapture(contract_id=engine.contract_id, same_person_threshold=0.2)
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
        capture = GuidedCapture(contract_id=engine.contract_id, same_person_threshold=0.2)
        assert len(observe_frame(engine, capture, jpeg(image)).faces) == MAX_FACES
