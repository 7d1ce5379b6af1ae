from __future__ import annotations

import io
import math

import numpy as np
import pytest
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from api import limits
from api.limits import picture_gate
from enrollment.pictures.photos import MEGABYTE
from enrollment.runtime import engine as runtime
from recognizer.images import UPLOAD_LIMITS, decode_image
from security.keys.scopes import Scope
from security.roles.table import Role
from tests.support.api import Program, problem
from tests.support.ids import NOBODY
from tests.support.operators import make_client
from tests.support.pictures import encoded
from tests.verification.conftest import ADA, BOB, STRANGER
from verification.models import VerificationAttempt


def form(**pictures: bytes) -> bytes:
    files = {name: io.BytesIO(data) for name, data in pictures.items()}
    for name, file in files.items():
        file.name = f"{name}.jpg"
    return encode_multipart(BOUNDARY, files)


class TestIdentify:
    def test_names_an_enrolled_person_with_all_that_the_decision_rests_on(self, program, ada, picture):
        found = program.post("/identify", picture(ADA, 4)).json()
        (face,) = found["faces"]
        assert (face["verdict"], face["person"]) == ("match", {"id": ada, "name": "Ada"})
        assert face["comparison_score"] >= face["match_threshold"]
        assert face["liveness"] == {"verdict": "not_checked", "score": None}
        assert face["card"]["headline"] == "This is Ada"
        threshold = next(fact["text"] for fact in face["card"]["facts"] if fact["label"] == "Threshold")
        assert threshold.startswith("Set so that 1 in 10,000 comparisons")
        assert (0 < face["fmr"] < 0.01, face["population"]) == (True, "on LFW")
        assert found["image"] == [250, 250]

    def test_a_stranger_is_nobody(self, program, ada, picture):
        (face,) = program.post("/identify", picture(STRANGER, 1)).json()["faces"]
        assert (face["verdict"], face["person"]) == ("non_match", None)
        assert "below_threshold" in face["reasons"]

    def test_the_decision_is_in_the_history_with_its_key(self, program, ada, picture):
        (face,) = program.post("/identify", picture(ADA, 4)).json()["faces"]
        attempt = VerificationAttempt.objects.get(uuid=face["attempt"])
        assert (attempt.source, attempt.operator) == ("api", program.key.account)
        page = make_client(Role.MANAGER).get("/verification/attempts/").content.decode()
        assert f"API key front door ({program.key.prefix})" in page

    def test_liveness_is_checked_where_the_program_asks_for_it(self, program, ada, picture):
        (face,) = program.post("/identify?liveness=true", picture(ADA, 4)).json()["faces"]
        assert face["liveness"]["verdict"] in ("bona_fide", "attack", "uncertain")

    def test_a_form_is_taken_too(self, program, ada, picture):
        (face,) = program.post("/identify", form(image=picture(ADA, 4)), MULTIPART_CONTENT).json()["faces"]
        assert face["person"]["id"] == ada

    @pytest.mark.parametrize(
        ("suffix", "kind"), [(".bmp", "image/bmp"), (".bmp", "image/x-ms-bmp"), (".jpg", "image/jpg")]
    )
    def test_a_bitmap_is_read_and_so_is_a_picture_under_a_wrong_name(self, program, ada, picture, suffix, kind):
        body = encoded(suffix, decode_image(picture(ADA, 4), UPLOAD_LIMITS))
        (face,) = program.post("/identify", body, kind).json()["faces"]
        assert face["person"]["id"] == ada

    @pytest.mark.parametrize(("name", "kind"), [("IMG_2.HEIC", "image/heic"), ("p.avif", "image/avif")])
    def test_a_picture_that_is_not_read_is_refused_by_name(self, program, shared_faces, name, kind):
        body = (shared_faces.parent / "cases" / "heic" / "Pat Doe" / name).read_bytes()
        refused = program.post("/identify", body, kind)
        assert problem(refused) == (422, "image_undecodable")
        assert refused.json()["detail"].startswith(f"{kind[6:].upper()} pictures cannot be read here")

    def test_a_picture_on_its_head_is_turned_back(self, program, ada, picture):
        body = encoded(".png", np.ascontiguousarray(np.rot90(decode_image(picture(ADA, 4), UPLOAD_LIMITS), 2)))
        (face,) = program.post("/identify", body, "image/png").json()["faces"]
        assert face["person"]["id"] == ada

    def test_a_covered_mouth_names_and_denies_nobody(self, program, ada, shared_faces):
        body = (shared_faces.parent / "cases" / "faces" / "maskA.png").read_bytes()
        (face,) = program.post("/identify", body, "image/png").json()["faces"]
        assert (face["verdict"], face["person"], face["reasons"]) == ("uncertain", None, ["mouth_hidden"])

    def test_a_picture_without_a_face_has_no_faces(self, program):
        blank = encoded(".png", np.full((200, 200, 3), 127, np.uint8))
        assert program.post("/identify", blank, "image/png").json()["faces"] == []

    def test_one_picture_at_a_time(self, program, picture):
        two = form(image=picture(ADA, 1), other=picture(ADA, 2))
        assert problem(program.post("/identify", two, MULTIPART_CONTENT)) == (422, "request_invalid")

    @pytest.mark.parametrize(
        ("body", "kind", "expected"),
        [
            (b"no picture", "image/jpeg", (422, "image_undecodable")),
            (b"{}", "application/json", (415, "media_type_unsupported")),
            (b"x", "", (415, "media_type_unsupported")),
            (b"x", "multipart/form-data", (422, "request_invalid")),
            (b"x", MULTIPART_CONTENT, (422, "request_invalid")),
            (b"x" * (20 * MEGABYTE + 1), "image/jpeg", (413, "frame_too_large")),
        ],
    )
    def test_says_what_is_wrong_with_a_body(self, program, body, kind, expected):
        assert problem(program.post("/identify", body, kind)) == expected

    def test_is_refused_at_once_while_enough_pictures_are_at_work(self, program, picture, monkeypatch):
        monkeypatch.setattr(picture_gate, "_at_work", 1_000)
        refused = program.post("/identify", picture(ADA, 1))
        assert problem(refused) == (429, "busy")
        assert refused.headers["Retry-After"] == "1"

    def test_a_place_is_free_again_after_a_picture_that_failed(self, program, settings):
        settings.FACESITE_THREADS = 1
        for _ in range(math.ceil(2 * limits.AT_WORK_PER_THREAD)):
            assert problem(program.post("/identify", b"no picture"))[0] == 422

    def test_waits_for_no_engine(self, program, picture, monkeypatch):
        monkeypatch.setattr(runtime.shared, "_engine", None)
        refused = program.post("/identify", picture(ADA, 1))
        assert problem(refused) == (503, "engine_not_ready")
        assert "Retry-After" in refused.headers


class TestVerify:
    def test_answers_yes_and_no(self, program, ada, picture):
        bob = program.enrol("Bob", picture(BOB, 1), picture(BOB, 2))
        (yes,) = program.post(f"/verify?person={ada}", picture(ADA, 4)).json()["faces"]
        (no,) = program.post(f"/verify?person={bob}", picture(ADA, 4)).json()["faces"]
        assert (yes["verdict"], no["verdict"]) == ("match", "non_match")
        assert VerificationAttempt.objects.filter(mode="verify", source="api").count() == 2

    def test_needs_somebody_who_is_there(self, program, picture):
        assert problem(program.post(f"/verify?person={NOBODY}", picture(ADA, 1))) == (404, "person_unknown")
        assert problem(program.post("/verify", picture(ADA, 1))) == (422, "request_invalid")


class TestCompare:
    def test_two_pictures_of_one_person_match_and_nothing_is_stored(self, program, picture):
        same = program.post("/compare", form(image1=picture(ADA, 1), image2=picture(ADA, 4)), MULTIPART_CONTENT)
        other = program.post("/compare", form(image1=picture(ADA, 1), image2=picture(BOB, 1)), MULTIPART_CONTENT)
        assert (same.json()["verdict"], other.json()["verdict"]) == ("match", "non_match")
        assert same.json()["comparison_score"] >= same.json()["match_threshold"]
        assert same.json()["population"] == "on LFW"
        assert not VerificationAttempt.objects.exists()

    def test_needs_two_pictures_with_a_face_each(self, program, picture):
        assert problem(program.post("/compare", picture(ADA, 1))) == (422, "request_invalid")
        blank = encoded(".jpg", np.full((200, 200, 3), 127, np.uint8))
        body = form(image1=picture(ADA, 1), image2=blank)
        assert problem(program.post("/compare", body, MULTIPART_CONTENT)) == (422, "no_face")


class TestHistory:
    def test_lists_decisions_newest_first(self, program, ada, picture):
        for data in (picture(ADA, 4), picture(STRANGER, 1), picture(ADA, 5)):
            program.post("/identify", data)
        page = program.get("/attempts?limit=2").json()
        rest = program.get(f"/attempts?limit=2&cursor={page['next_cursor']}").json()
        people = [each["person"] and each["person"]["name"] for each in page["attempts"] + rest["attempts"]]
        assert people == ["Ada", None, "Ada"]
        assert page["attempts"][0]["by"] == str(program.key)
        assert {each["population"] for each in page["attempts"]} == {"on LFW"}
        assert program.get("/status").json()["population"] == "on LFW"

    def test_is_filtered(self, program, ada, picture):
        for data in (picture(ADA, 4), picture(STRANGER, 1)):
            program.post("/identify", data)
        assert len(program.get(f"/attempts?person={ada}").json()["attempts"]) == 1
        assert len(program.get("/attempts?verdict=non_match").json()["attempts"]) == 1
        assert program.get("/attempts?since=2999-01-01T00:00:00Z").json()["attempts"] == []
        assert problem(program.get("/attempts?since=2020-01-01T00:00:00")) == (422, "request_invalid")
        assert problem(program.get("/attempts?since=0001-01-01T00:00:00%2B14:00")) == (422, "request_invalid")
        assert problem(program.get("/attempts?verdict=maybe")) == (422, "request_invalid")


class TestStatus:
    def test_says_by_what_is_decided_and_what_the_key_may(self, program, ada, pack):
        status = program.get("/status").json()
        assert (status["status"], status["pack"]) == ("ready", pack.name)
        assert status["gallery"] == {"people": 1, "templates": 3}
        assert status["key"]["scopes"] == sorted(Scope)

    def test_any_key_may_ask(self, transactional_db, engine):
        assert Program(Scope.METRICS).get("/status").status_code == 200
