"""The pages of decisions through HTTP: history, attempts in words, photo check."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from io import StringIO
from typing import Any, cast
from uuid import uuid4

import cv2
import numpy as np
import pytest
from asgiref.sync import sync_to_async
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import AsyncClient
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from enrollment import services as enrollment
from enrollment.runtime.gallery import reset_gallery
from recognizer.images import decode_image
from tests.support.ids import NOBODY
from tests.verification.conftest import ADA, BOB, STRANGER
from tests.verification.rows import make_attempt, make_person
from verification.models import VerificationAttempt
from verification.services import save_policy

pytestmark = pytest.mark.django_db
HISTORY = "/verification/attempts/"
PHOTO = "/verification/photo/"


class TestLogin:
    @pytest.mark.parametrize(
        "url",
        [
            "/verification/",
            "/verification/photo/",
            "/verification/attempts/",
            "/verification/attempts/export.csv",
            f"/verification/attempts/{NOBODY}/",
        ],
    )
    def test_is_required_on_every_page(self, client, url):
        assertRedirects(client.get(url), f"/accounts/login/?next={url}", fetch_redirect_response=False)


class TestLive:
    def test_asks_about_a_person_at_once(self, operator_client):
        ada = make_person("Ada Lovelace")
        assertContains(operator_client.get("/verification/", {"person": ada.uuid}), str(ada.uuid))

    @pytest.mark.parametrize("person", ["", "nonsense", str(NOBODY)])
    def test_opens_without_a_claim_when_there_is_no_such_person(self, operator_client, person):
        assertNotContains(operator_client.get("/verification/", {"person": person}), "data-claimed-id")

    def test_offers_no_claim_to_be_somebody_deactivated(self, operator_client):
        ada = make_person("Ada Lovelace", is_active=False)
        assertNotContains(operator_client.get("/verification/", {"person": ada.uuid}), "data-claimed-id")


class TestHistory:
    def test_lists_attempts_with_verdict_score_and_question(self, operator_client, operator):
        ada = make_person("Ada Lovelace")
        make_attempt(matched_person=ada, operator=operator, comparison_score=0.6213)
        make_attempt(mode="verify", claimed_person=ada, verdict="non_match", comparison_score=0.05)
        response = operator_client.get(HISTORY)
        assertContains(response, "0.621")
        assertContains(response, "Is it Ada Lovelace?")
        assertContains(response, "badge--match")
        assertContains(response, "badge--non_match")

    def test_names_nobody_without_a_match(self, operator_client):
        make_attempt(verdict="uncertain", matched_person=None)
        response = operator_client.get(HISTORY)
        assertContains(response, "Unknown")
        assertNotContains(response, "erased person")

    def test_says_who_a_refused_claim_was_about(self, operator_client):
        make_attempt(
            mode="verify", claimed_person=make_person("Ada Lovelace"), verdict="non_match", matched_person=None
        )
        response = operator_client.get(HISTORY)
        assertContains(response, "Ada Lovelace (claimed)")
        assertNotContains(response, ">Unknown</a>")

    def test_says_that_head_movements_were_not_made(self, operator_client):
        make_attempt(verdict="uncertain", matched_person=None, reasons=["challenge_wrong_movement"])
        assertContains(operator_client.get(HISTORY), "The head movements were not made")

    def test_keeps_the_attempts_of_an_erased_person_without_name_and_picture(self, operator_client):
        ada = make_person("Ada Lovelace")
        make_attempt(matched_person=ada)
        enrollment.erase_people(actor=None, people=[ada])
        response = operator_client.get(HISTORY)
        assertContains(response, "erased person")
        assertNotContains(response, "Ada Lovelace")
        assertNotContains(response, "data:image/jpeg")

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"verdict": "match"}, {"Ada"}),
            ({"mode": "verify"}, {"Bob"}),
            ({"liveness": "attack"}, {"Bob"}),
            ({"since": "2026-03-02"}, {"Bob"}),
            ({"until": "2026-03-01"}, {"Ada"}),
            ({"since": "2026-03-01", "until": "2026-03-02"}, {"Ada", "Bob"}),
            ({"q": "s-17"}, {"Ada"}),
            ({"q": "ada bob"}, set()),
        ],
    )
    def test_filters(self, operator_client, query, found):
        ada, bob = make_person("Ada", external_id="S-17"), make_person("Bob")
        make_attempt(created_at=datetime(2026, 3, 1, 12, tzinfo=UTC), matched_person=ada)
        make_attempt(
            created_at=datetime(2026, 3, 2, 12, tzinfo=UTC),
            mode="verify",
            claimed_person=bob,
            verdict="attack",
            liveness_verdict="attack",
        )
        page = operator_client.get(HISTORY, query).context["page"]
        assert {str(attempt.matched_person or attempt.claimed_person) for attempt in page} == found

    def test_filters_by_operator(self, operator_client, operator, staff):
        make_attempt(operator=operator)
        make_attempt(operator=staff)
        page = operator_client.get(HISTORY, {"operator": staff.pk}).context["page"]
        assert [attempt.operator for attempt in page] == [staff]

    def test_narrows_to_the_person_that_a_link_names_and_says_so(self, operator_client):
        ada, bob = make_person("Ada"), make_person("Bob")
        make_attempt(matched_person=ada)
        make_attempt(matched_person=bob)
        response = operator_client.get(HISTORY, {"person": ada.uuid})
        assertContains(response, "Only attempts that matched or claimed")
        assert [attempt.matched_person for attempt in response.context["page"]] == [ada]

    def test_says_what_is_wrong_with_a_filter(self, operator_client):
        make_attempt()
        response = operator_client.get(HISTORY, {"since": "2026-03-02", "until": "2026-03-01"})
        assertContains(response, "This day is before the first one.", status_code=400)
        assertContains(operator_client.get(HISTORY, {"since": "yesterday"}), "Enter a valid date.", status_code=400)

    def test_shows_twenty_five_a_page_and_keeps_the_filters_in_the_links(self, staff_client):
        for _ in range(26):
            make_attempt()
        response = staff_client.get(HISTORY, {"verdict": "match"})
        assert len(response.context["page"].object_list) == 25
        older = response.context["page"].older
        assertContains(response, f"?verdict=match&amp;at={older}")
        last = staff_client.get(HISTORY, {"verdict": "match", "at": older})
        assert len(last.context["page"].object_list) == 1
        assertContains(last, "Back to the newest")
        assertContains(last, 'export.csv?verdict=match"')
        assertContains(response, "/verification/attempts/export.csv?verdict=match")

    def test_takes_the_same_few_queries_however_many_attempts_there_are(
        self, operator_client, operator, django_assert_num_queries
    ):
        for number in range(8):
            make_attempt(matched_person=make_person(f"Person {number}"), operator=operator)
            # session, operator, sign-in, rights of operator and groups, attempts, thumbnails, operators,
            # unknown faces
            with django_assert_num_queries(9):
                operator_client.get(HISTORY)

    def test_says_so_when_there_is_nothing(self, operator_client):
        assertContains(operator_client.get(HISTORY), "No attempts yet")
        make_attempt()
        assertContains(operator_client.get(HISTORY, {"verdict": "attack"}), "No attempt found")


class TestExport:
    @pytest.mark.django_db(transaction=True)
    async def test_streams_the_filtered_rows(self, staff):
        ada = await sync_to_async(make_person)("Ada")
        for verdict in ("match", "non_match", "match"):
            await sync_to_async(make_attempt)(verdict=verdict, matched_person=ada if verdict == "match" else None)
        client = AsyncClient()
        await client.aforce_login(staff)
        response = await client.get("/verification/attempts/export.csv", {"verdict": "match"})
        assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert response.headers["Content-Disposition"].startswith('attachment; filename="attempts-')
        assert response.headers["Cache-Control"] == "private, no-store"
        text = "".join([chunk.decode() async for chunk in cast(Any, response).streaming_content])
        assert [row["matched_person"] for row in csv.DictReader(StringIO(text))] == ["Ada", "Ada"]

    def test_is_for_those_who_may_export(self, operator_client):
        assert operator_client.get("/verification/attempts/export.csv").status_code == 403
        assertNotContains(operator_client.get(HISTORY), "export.csv")

    def test_shows_the_history_with_its_complaint_when_a_filter_is_wrong(self, staff_client):
        response = staff_client.get("/verification/attempts/export.csv", {"since": "yesterday"})
        assertContains(response, "Enter a valid date.", status_code=400)


class TestAttempt:
    def test_says_by_which_policy_and_gallery_it_was_decided(self, operator_client, staff):
        policy = save_policy(actor=staff, fmr="0.001", liveness="off")
        attempt = make_attempt(policy=policy, gallery_revision=512)
        response = operator_client.get(f"{HISTORY}{attempt.uuid}/")
        assertContains(response, f"Number {policy.pk}, saved on")
        assertContains(response, "Revision 512")

    def test_says_so_where_nobody_had_saved_a_policy_and_where_it_was_not_kept(self, operator_client):
        attempt = make_attempt(gallery_revision=512)
        assertContains(operator_client.get(f"{HISTORY}{attempt.uuid}/"), "nobody had saved a policy")
        earlier = make_attempt()
        assertContains(operator_client.get(f"{HISTORY}{earlier.uuid}/"), "Not kept when this was decided", count=2)

    def test_says_why(self, operator_client, operator):
        attempt = make_attempt(
            matched_person=make_person("Ada Lovelace"),
            operator=operator,
            runner_up=0.12,
            liveness_verdict="bona_fide",
            liveness_score=0.97,
            quality_score=0.8,
            reasons=["blurred"],
        )
        response = operator_client.get(f"{HISTORY}{attempt.uuid}/")
        for sentence in (
            "This is Ada Lovelace",
            "0.620 reaches the 0.310 that a match needs.",
            "1 in 10,000 comparisons of two different people",
            "The next person has 0.120: a lead of 0.500.",
            "3 of 4 compared frames agreed.",
            "Live person (liveness score 0.97, from 0 to 1).",
            "The picture is blurred.",
            "olivia",
        ):
            assertContains(response, sentence)

    def test_of_somebody_erased_has_no_picture(self, operator_client):
        attempt = make_attempt(thumbnail=b"")
        response = operator_client.get(f"{HISTORY}{attempt.uuid}/")
        assertContains(response, "This is an erased person")
        assertContains(response, "erased together with the person")

    def test_that_does_not_exist_is_not_found(self, operator_client):
        assert operator_client.get(f"{HISTORY}{uuid4()}/").status_code == 404


class TestPhotoCheck:
    @pytest.fixture
    def check(self, operator_client):
        def post(data: bytes, **fields):
            upload = SimpleUploadedFile("picture.jpg", data, content_type="image/jpeg")
            return operator_client.post(PHOTO, {"photo": upload} | fields)

        return post

    @pytest.fixture
    def gallery(self, ada, bob):
        reset_gallery()  # the test's transaction never commits, so nobody is told
        return ada, bob

    def test_names_somebody_who_is_enrolled_and_says_why(self, check, gallery, picture):
        response = check(picture(ADA, 4))
        assertContains(response, "This is Ada")
        assertContains(response, "reaches the")
        assertContains(response, "One still picture.")

    def test_names_no_stranger(self, check, gallery, picture):
        response = check(picture(STRANGER, 1))
        assertContains(response, "1 face found")
        assertNotContains(response, "This is")

    def test_boxes_every_face_in_the_pixels_of_the_picture(self, check, gallery, picture):
        pair = np.hstack([decode_image(picture(ADA, 4)), decode_image(picture(BOB, 4))])
        response = check(cv2.imencode(".jpg", pair)[1].tobytes())
        assertContains(response, "2 faces found")
        assertContains(response, 'viewBox="0 0 500 250"')
        by_place = sorted(response.context["faces"], key=lambda face: face.left)
        assert [face.card.headline for face in by_place] == ["This is Ada", "This is Bob"]
        assert all(0 < face.left < face.left + face.width < 500 for face in by_place)

    def test_stores_nothing_unless_asked(self, check, gallery, picture):
        response = check(picture(ADA, 4))
        assertContains(response, "Nothing of this check was stored.")
        assert not VerificationAttempt.objects.exists()

    def test_keeps_each_decision_when_asked(self, check, gallery, picture, operator):
        response = check(picture(ADA, 4), keep="on")
        attempt = VerificationAttempt.objects.get()
        assert (attempt.matched_person, attempt.source, attempt.operator) == (gallery[0], "photo", operator)
        assertContains(response, f"/verification/attempts/{attempt.uuid}/")

    @pytest.mark.parametrize("quarters", [1, 2, 3])
    def test_turns_a_picture_that_lies_on_its_side_or_stands_on_its_head(self, check, gallery, picture, quarters):
        turned = np.rot90(decode_image(picture(ADA, 4)), quarters)
        assertContains(check(cv2.imencode(".png", turned)[1].tobytes()), "This is Ada")

    def test_asks_to_uncover_a_mouth_and_names_nobody(self, check, gallery, shared_faces):
        response = check((shared_faces.parent / "cases" / "faces" / "maskA.png").read_bytes())
        assertContains(response, "1 face found")
        assertContains(response, "mouth")
        assertNotContains(response, "This is")

    def test_says_so_when_no_face_is_found(self, check, engine):
        wall = cv2.imencode(".png", np.full((300, 300, 3), 127, np.uint8))[1].tobytes()
        assertContains(check(wall), "No face was found")

    def test_says_why_a_file_cannot_be_checked(self, check, operator_client, engine):
        assertContains(check(b"no picture at all"), "This is no picture that can be read", status_code=400)
        assertContains(check(b"\xff" * (20 * 1024 * 1024 + 1)), "at most 20 MB are allowed", status_code=400)
        assertContains(operator_client.post(PHOTO, {}), "Choose a picture.", status_code=400)

    def test_says_which_command_installs_a_pack(self, check, no_engine, picture, settings, tmp_path):
        settings.FACESITE_MODELS_DIR = tmp_path
        settings.FACESITE_MODEL_PACK = "mobile"
        assertContains(check(picture(ADA, 4)), "manage.py packs install", status_code=400)
