from __future__ import annotations

import cv2
import numpy as np
import pytest

from enrollment.runtime.gallery import current_gallery
from recognizer.errors import ImageUndecodable
from recognizer.images import UPLOAD_LIMITS, encode_thumbnail
from recognizer.types import LivenessVerdict, Verdict
from tests.verification.conftest import ADA, BOB, STRANGER
from verification.photos import IdentifiedImage, compare_images, identify_image
from verification.policy import current_policy

pytestmark = pytest.mark.django_db


@pytest.fixture
def identify(engine, ada, bob):
    def run(data: bytes, **options) -> IdentifiedImage:
        gallery, policy = current_gallery(engine), current_policy(engine)
        return identify_image(data, engine=engine, gallery=gallery, policy=policy, **options)

    return run


class TestIdentifyImage:
    def test_an_enrolled_person_is_found_on_another_picture(self, identify, ada, picture):
        (face,) = identify(picture(ADA, 4)).faces
        assert (face.decision.verdict, face.decision.person_id) == (Verdict.MATCH, str(ada.uuid))
        assert face.decision.liveness.verdict == LivenessVerdict.NOT_CHECKED

    def test_a_stranger_matches_nobody(self, identify, picture):
        (face,) = identify(picture(STRANGER, 1)).faces
        assert face.decision.verdict != Verdict.MATCH

    def test_a_claim_is_checked_against_that_person_alone(self, identify, ada, bob, picture):
        (true,) = identify(picture(ADA, 4), claimed=str(ada.uuid)).faces
        (false,) = identify(picture(ADA, 4), claimed=str(bob.uuid)).faces
        assert (true.decision.verdict, false.decision.verdict) == (Verdict.MATCH, Verdict.NON_MATCH)

    def test_every_face_of_a_crowd_is_decided_and_nobody_is_named_twice(self, identify, engine, ada, bob, picture):
        tiles = [engine.decode(picture(name, 4), UPLOAD_LIMITS) for name in (ADA, BOB, STRANGER)]
        crowd = np.concatenate([np.concatenate(tiles, axis=1)] * 4)
        found = identify(encode_thumbnail(np.ascontiguousarray(crowd), 1000))
        assert found.image_size == (750, 1000)
        assert len(found.faces) == 12
        matched = [face.decision.person_id for face in found.faces if face.decision.verdict == Verdict.MATCH]
        assert sorted(map(str, matched)) == sorted([str(ada.uuid), str(bob.uuid)])

    def test_boxes_count_in_pixels_of_the_file_though_it_is_decoded_smaller(self, identify, engine, ada, picture):
        small = engine.decode(picture(ADA, 4), UPLOAD_LIMITS)
        factor = 5000 / max(small.shape[:2])
        large = cv2.resize(small, None, fx=factor, fy=factor)

        (expected,) = identify(picture(ADA, 4)).faces
        found = identify(cv2.imencode(".jpg", large)[1].tobytes())

        assert found.image_size == (large.shape[1], large.shape[0])
        (face,) = found.faces
        assert face.decision.person_id == str(ada.uuid)
        size = factor * np.ptp(expected.detection.box_xyxy)
        assert np.abs(face.detection.box_xyxy - factor * expected.detection.box_xyxy).max() < 0.05 * size

    @pytest.mark.parametrize("quarters", [1, 2, 3])
    def test_a_picture_on_its_side_or_head_is_turned_back(self, identify, engine, ada, bob, picture, quarters):
        turned = np.rot90(engine.decode(picture(ADA, 4), UPLOAD_LIMITS), quarters)

        (face,) = identify(cv2.imencode(".png", turned)[1].tobytes()).faces

        assert (face.decision.verdict, face.decision.person_id) == (Verdict.MATCH, str(ada.uuid))

    def test_an_upright_picture_is_looked_at_once_and_another_once_each_way_round(
        self, identify, engine, picture, looks
    ):
        upright = engine.decode(picture(ADA, 4), UPLOAD_LIMITS)
        identify(picture(ADA, 4))
        assert len(looks) == 1
        identify(cv2.imencode(".png", np.rot90(upright, 2))[1].tobytes())
        assert len(looks) == 1 + 4

    def test_a_covered_mouth_names_and_denies_nobody(self, identify, ada, bob, shared_faces):
        (face,) = identify((shared_faces.parent / "cases" / "faces" / "maskA.png").read_bytes()).faces

        assert (face.decision.verdict, face.decision.comparison.reasons) == (Verdict.UNCERTAIN, ("mouth_hidden",))

    def test_a_picture_without_faces_has_none(self, identify):
        assert identify(encode_thumbnail(np.full((300, 300, 3), 128, np.uint8), 300)).faces == ()

    def test_what_is_no_picture_is_said_so(self, identify):
        with pytest.raises(ImageUndecodable):
            identify(b"not a picture")


class TestCompareImages:
    def test_each_picture_is_looked_at_once(self, engine, picture, looks):
        compared = compare_images(picture(ADA, 1), picture(ADA, 4), engine=engine, policy=current_policy(engine))

        assert compared.verdict == Verdict.MATCH
        assert len(looks) == 2
