"""The pages of people: real pictures, the real engine, through HTTP."""

from __future__ import annotations

from base64 import b64decode
from datetime import date
from io import BytesIO
from uuid import uuid4

import cv2
import numpy as np
import pytest
from django.contrib.auth.models import User
from django.core import signing
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from api.management.commands.import_compreface import Command as ImportCompreFace
from enrollment import services
from enrollment.groups.actions import create_group
from enrollment.hygiene import actions as hygiene
from enrollment.management.commands.enroll_folder import Command as EnrollFolder
from enrollment.models import FaceSample, Person
from enrollment.pictures import photos
from enrollment.runtime.gallery import reset_gallery
from enrollment.samples.drafts import quality_to_json
from enrollment.sealed import read_crop
from enrollment.selectors import SEARCH_WORDS
from recognizer.images import UPLOAD_LIMITS, decode_crop, decode_image
from recognizer.stages.detection import area_of
from security.models import AuditEvent
from security.roles.table import Role
from tests.enrollment.conftest import CONTRACT
from tests.support.consent import ON_PAPER
from tests.support.ids import NOBODY
from tests.support.operators import make_client

pytestmark = pytest.mark.django_db


@pytest.fixture
def enroll(operator, make_draft):
    """enroll(name, seeds=(1, 2)): somebody with random crops, for pages that are not about recognition."""

    def make(name="Ada Lovelace", seeds=(1, 2), **changes):
        values = {"consent": ON_PAPER, "samples": [make_draft(seed) for seed in seeds], **changes}
        return services.enroll_person(actor=operator, name=name, despite_duplicate=True, **values).person

    return make


@pytest.fixture
def photo(shared_faces):
    """photo("Alexander_Downer", 2): an upload of LFW's Alexander_Downer_0002.jpg (or the person's n-th picture)."""

    def make(folder: str, number: int = 0) -> SimpleUploadedFile:
        path = sorted((shared_faces / "eval" / folder).glob("*.jpg"))[number]
        return SimpleUploadedFile(path.name, path.read_bytes(), content_type="image/jpeg")

    return make


def two_faces(photo) -> SimpleUploadedFile:
    """Two people's pictures side by side."""
    pair = [decode_image(photo(name).read()) for name in ("Alexander_Downer", "Halle_Berry")]
    done, data = cv2.imencode(".jpg", np.hstack(pair))
    assert done
    return SimpleUploadedFile("both.jpg", data.tobytes(), content_type="image/jpeg")


def new_person(**changes):
    return {"name": "Alexander Downer", "external_id": "", "consent": "on"} | changes


UPLOAD = "/enrollment/upload/"


class TestLogin:
    @pytest.mark.parametrize(
        "url",
        [
            "/enrollment/",
            "/enrollment/upload/",
            "/enrollment/people/",
            "/enrollment/people/search.json",
            f"/enrollment/people/{NOBODY}/",
            f"/enrollment/people/{NOBODY}/capture/",
            f"/enrollment/people/{NOBODY}/upload/",
            f"/enrollment/people/{NOBODY}/active/",
            f"/enrollment/people/{NOBODY}/erase/",
            f"/enrollment/samples/{NOBODY}.jpg",
            f"/enrollment/samples/{NOBODY}/remove/",
        ],
    )
    def test_is_required_on_every_page(self, client, url):
        assertRedirects(client.get(url), f"/accounts/login/?next={url}", fetch_redirect_response=False)

    @pytest.mark.parametrize("action", ["active", "erase", "upload"])
    def test_nothing_changes_without_the_csrf_token(self, staff, enroll, action):
        person = enroll()
        client = Client(enforce_csrf_checks=True)
        client.force_login(staff)
        response = client.post(f"{person.get_absolute_url()}{action}/", {"active": "no", "typed_name": person.name})
        assertContains(response, "Nothing was changed", status_code=403)
        assert Person.objects.get().is_active

    @pytest.mark.parametrize("action", ["active/", "erase/", "capture/", "upload/", ""])
    def test_an_unknown_person_is_not_found(self, staff_client, action):
        url = f"/enrollment/people/{uuid4()}/{action}"
        response = staff_client.post(url) if action == "active/" else staff_client.get(url)
        assertContains(response, "may have been erased", status_code=404)


class TestPeople:
    def test_lists_everybody_with_the_number_of_samples(self, operator_client, enroll):
        enroll("Ada Lovelace", external_id="S-17")
        enroll("Grace Hopper", seeds=(3,))
        response = operator_client.get("/enrollment/people/")
        assertContains(response, "Ada Lovelace")
        assertContains(response, "S-17")
        assertContains(response, '<td data-label="Samples" class="num">2</td>', html=True)
        assertContains(response, '<td data-label="Samples" class="num">1</td>', html=True)
        assertContains(response, "data:image/jpeg;base64,", count=2)

    def test_finds_by_part_of_the_name_and_by_external_id(self, operator_client, enroll):
        enroll("Ada Lovelace", external_id="S-17")
        enroll("Grace Hopper", seeds=(3,))
        for text in ("love", "s-17", "ada lace"):
            response = operator_client.get("/enrollment/people/", {"q": text})
            assertContains(response, "Ada Lovelace")
            assertNotContains(response, "Grace Hopper")

    def test_filters_by_status(self, operator_client, enroll, operator):
        services.set_active(actor=operator, people=[enroll("Ada Lovelace")], active=False)
        enroll("Grace Hopper", seeds=(3,))
        response = operator_client.get("/enrollment/people/", {"active": "no"})
        assertContains(response, "Ada Lovelace")
        assertContains(response, "Deactivated")
        assertNotContains(response, "Grace Hopper")

    def test_says_so_when_nobody_is_found_and_when_nobody_is_enrolled(self, operator_client, enroll):
        assertContains(operator_client.get("/enrollment/people/"), "Nobody is enrolled yet")
        enroll("Ada Lovelace")
        assertContains(operator_client.get("/enrollment/people/", {"q": "zzz"}), "Nobody found")

    def test_shows_twenty_five_a_page_and_keeps_the_filter_in_the_links(self, operator_client, enroll):
        for number in range(27):
            enroll(f"Person {number:02}", seeds=(number + 1,))
        first = operator_client.get("/enrollment/people/", {"q": "person"})
        assertContains(first, "1 to 25 of 27")
        assertContains(first, "?q=person&amp;page=2")
        assertContains(operator_client.get("/enrollment/people/", {"q": "person", "page": 2}), "Person 26")
        assertContains(operator_client.get("/enrollment/people/", {"q": "person", "page": "x"}), "Person 00")

    def test_takes_the_same_few_queries_however_many_people_there_are(
        self, operator_client, enroll, django_assert_num_queries
    ):
        enroll("Person 0", seeds=(1,))
        for number in range(1, 9):
            # session, operator, sign-in, rights of operator and groups, count, people, covers and keys, unknown faces,
            # groups to choose from, above the list and below it
            with django_assert_num_queries(13):
                operator_client.get("/enrollment/people/")
            enroll(f"Person {number}", seeds=(number + 1,))

    def test_can_be_portraits_and_stays_so_while_the_operator_is_signed_in(self, operator_client, enroll):
        enroll("Ada")
        assert "people-grid" not in operator_client.get("/enrollment/people/").content.decode()
        assert "people-grid" in operator_client.get("/enrollment/people/", {"view": "grid"}).content.decode()
        assert "people-grid" in operator_client.get("/enrollment/people/", {"q": "ada"}).content.decode()
        assert "people-grid" not in operator_client.get("/enrollment/people/", {"view": "list"}).content.decode()

    def test_escapes_names(self, operator_client, enroll):
        enroll("<b>Ada</b>")
        response = operator_client.get("/enrollment/people/")
        assertNotContains(response, "<b>Ada</b>")
        assertContains(response, "&lt;b&gt;Ada&lt;/b&gt;")


class TestPeopleSearch:
    def test_gives_active_people_only(self, operator_client, enroll, operator):
        ada = enroll("Ada Lovelace", external_id="S-17")
        services.set_active(actor=operator, people=[enroll("Ada Yonath", seeds=(3,))], active=False)
        response = operator_client.get("/enrollment/people/search.json", {"q": "ada"})
        assert response.json() == {"people": [{"id": str(ada.uuid), "name": "Ada Lovelace", "external_id": "S-17"}]}
        assert response.headers["Cache-Control"] == "private, no-store"

    def test_three_thousand_words_cost_no_more_than_ten(self, operator_client):
        with CaptureQueriesContext(connection) as queries:
            response = operator_client.get("/enrollment/people/search.json", {"q": "a " * 3000})
        assert response.json() == {"people": []}
        assert max(query["sql"].count(" LIKE ") for query in queries) <= 2 * SEARCH_WORDS  # in name and external ID

    def test_gives_at_most_twenty(self, operator_client, enroll):
        for number in range(22):
            enroll(f"Person {number:02}", seeds=(number + 1,))
        assert len(operator_client.get("/enrollment/people/search.json").json()["people"]) == 20


class TestPerson:
    def test_shows_samples_consent_and_who_enrolled(self, operator_client, enroll):
        person = enroll("Ada Lovelace", external_id="S-17")
        response = operator_client.get(person.get_absolute_url())
        for sample in person.samples.all():
            assertContains(response, reverse("enrollment:sample_image", args=[sample.uuid]))
        assertContains(response, "by olivia")
        assertContains(response, "Consent, on paper")
        assertContains(response, "No attempt has matched or claimed Ada Lovelace yet.")

    def test_takes_the_same_few_queries_however_many_samples_there_are(
        self, operator_client, enroll, django_assert_num_queries
    ):
        for seeds in ((1,), (2, 3, 4, 5, 6)):
            person = enroll(f"Person {len(seeds)}", seeds=seeds)
            # Session, operator, sign-in, person, merge, key, samples, consents, unknown faces, attempts and whose they
            # are; rights of operator and groups; the person's groups, and those to choose from.
            with django_assert_num_queries(15):
                operator_client.get(person.get_absolute_url())

    def test_a_sample_can_be_taken_as_the_portrait(self, operator_client, enroll):
        person = enroll(seeds=(1, 2))
        first, second = person.samples.all()
        page = operator_client.get(person.get_absolute_url())
        assert page.context["portrait"] == first
        answer = operator_client.post(f"/enrollment/samples/{second.uuid}/portrait/", follow=True)
        assertContains(answer, "This picture stands for Ada Lovelace from now on")
        assert answer.context["portrait"] == second
        event = AuditEvent.objects.get(action="person.portrait_chosen")
        assert event.facts == {"sample": str(second.uuid)}
        assert operator_client.post(f"/enrollment/samples/{uuid4()}/portrait/").status_code == 404

    def test_saves_changed_details(self, operator_client, enroll):
        person = enroll("Ada Byron")
        url = person.get_absolute_url()
        response = operator_client.post(url, {"name": " Ada   Lovelace ", "external_id": "S-17"}, follow=True)
        assertContains(response, "The details were saved.")
        person.refresh_from_db()
        assert (person.name, person.external_id) == ("Ada Lovelace", "S-17")

    def test_keeps_notes_for_those_who_may_see_people_and_out_of_the_audit_trail(self, staff_client, staff, enroll):
        person = enroll("Ada")
        details = {"name": "Ada", "external_id": "", "notes": "Comes by wheelchair:\r\nopen the side door. "}
        staff_client.post(person.get_absolute_url(), details)
        person.refresh_from_db()
        assert person.notes == "Comes by wheelchair:\nopen the side door."
        assert "wheelchair" in staff_client.get(person.get_absolute_url()).content.decode()
        row = AuditEvent.objects.filter(action="person.updated").latest("pk")
        assert row.facts == {"changed": ["notes"], "is_active": True}
        too_long = staff_client.post(person.get_absolute_url(), details | {"notes": "a" * 2_001})
        assert too_long.status_code == 400
        services.update_person(actor=staff, person=person, name="Ada Lovelace", external_id=None)
        person.refresh_from_db()
        assert person.notes.startswith("Comes"), "who says nothing about them changes nothing"

    def test_says_beside_the_field_what_is_wrong_and_saves_nothing(self, operator_client, enroll):
        enroll("Grace Hopper", external_id="S-17")
        person = enroll("Ada Lovelace", seeds=(3,))
        taken = operator_client.post(person.get_absolute_url(), {"name": "Ada King", "external_id": "S-17"})
        assertContains(taken, "Somebody else already has this external ID.", status_code=400)
        empty = operator_client.post(person.get_absolute_url(), {"name": " ", "external_id": ""})
        assert empty.status_code == 400
        person.refresh_from_db()
        assert (person.name, person.external_id) == ("Ada Lovelace", None)

    def test_deactivates_and_activates(self, operator_client, enroll):
        person = enroll()
        for value, active in (("no", False), ("yes", True)):
            operator_client.post(f"{person.get_absolute_url()}active/", {"active": value})
            person.refresh_from_db()
            assert person.is_active is active

    def test_does_not_change_anything_on_a_get(self, operator_client, enroll):
        assert operator_client.get(f"{enroll().get_absolute_url()}active/").status_code == 405

    def test_points_out_samples_that_searches_do_not_know(self, operator_client, enroll, engine):
        response = operator_client.get(enroll().get_absolute_url())
        assertContains(response, "manage.py rebuild_templates")
        assertContains(response, "Not searched", count=2)


class TestValidity:
    @pytest.mark.parametrize(
        ("days", "sentence"),
        [
            ({"valid_from": "2026-03-05", "valid_until": "2026-03-01"}, "The last day is before the first one."),
            ({"valid_from": "soon", "valid_until": "2026-03-01"}, "A day must be written like 2026-01-31."),
        ],
    )
    def test_says_what_is_wrong_and_saves_nothing(self, operator_client, enroll, days, sentence):
        person = enroll()
        assertContains(operator_client.post(f"{person.get_absolute_url()}validity/", days, follow=True), sentence)
        person.refresh_from_db()
        assert (person.valid_from, person.valid_until) == (None, None)


class TestErase:
    @pytest.mark.parametrize("login", ["operator_client", "receptionist_client"])
    def test_is_for_those_who_may_erase_people(self, login, enroll, request):
        client, person = request.getfixturevalue(login), enroll()
        url = f"{person.get_absolute_url()}erase/"
        assert client.get(url).status_code == 403
        assert client.post(url, {"typed_name": person.name}).status_code == 403
        assert Person.objects.exists()
        assertNotContains(client.get(person.get_absolute_url()), url)

    def test_needs_the_right_alone_and_for_one_person_nobody_else(self, enroll):
        client, person = make_client(Role.PRIVACY_OFFICER), enroll()
        assertContains(client.get(person.get_absolute_url()), f"{person.get_absolute_url()}erase/")
        client.post(f"{person.get_absolute_url()}erase/", {"typed_name": person.name})
        assert not Person.objects.exists()

    def test_says_exactly_what_goes_before_it_goes(self, staff_client, enroll):
        person = enroll("Ada Lovelace")
        response = staff_client.get(f"{person.get_absolute_url()}erase/")
        assertContains(response, "2 samples with everything computed from them")
        assertContains(response, "each of the 0 attempts")
        assert Person.objects.exists()

    @pytest.mark.parametrize("typed", ["", "Ada", "ada lovelace"])
    def test_needs_the_name_as_it_is_written(self, staff_client, enroll, typed):
        person = enroll("Ada Lovelace")
        response = staff_client.post(f"{person.get_absolute_url()}erase/", {"typed_name": typed})
        assert response.status_code == 400
        assert FaceSample.objects.count() == 2

    def test_names_the_records_that_were_merged_into_this_one(self, staff_client, operator, enroll, make_draft):
        ada, again = enroll("Ada Lovelace"), enroll("A. L.", samples=[make_draft(7), make_draft(8)])
        hygiene.merge_people(actor=operator, keep=ada, merge=again, contract_id=CONTRACT)
        response = staff_client.get(f"{ada.get_absolute_url()}erase/")
        assertContains(response, "the records that were merged into this one: A. L.;")

    def test_erases_for_good(self, staff_client, enroll):
        person = enroll("Ada Lovelace")
        response = staff_client.post(f"{person.get_absolute_url()}erase/", {"typed_name": "Ada Lovelace "})
        assertRedirects(response, reverse("enrollment:receipt", args=[person.uuid]))
        assert not Person.objects.exists()
        assert not FaceSample.objects.exists()
        assert staff_client.get(person.get_absolute_url()).status_code == 404


class TestSamples:
    def test_are_served_as_private_jpegs(self, operator_client, enroll):
        sample = enroll().samples.first()
        response = operator_client.get(f"/enrollment/samples/{sample.uuid}.jpg")
        assert decode_image(response.content).shape == (112, 112, 3)
        assert response.headers["Content-Type"] == "image/jpeg"
        assert response.headers["Cache-Control"] == "private, no-store"
        assert response.headers["X-Content-Type-Options"] == "nosniff"

    def test_the_best_one_is_the_persons_portrait(self, operator_client, enroll):
        best, other = enroll().samples.order_by("pk")
        services.set_aside(actor=None, sample=best, aside=True)
        portrait = operator_client.get(f"/enrollment/people/{best.person.uuid}/portrait.jpg")
        assert portrait.content == operator_client.get(f"/enrollment/samples/{other.uuid}.jpg").content
        assert operator_client.get(f"/enrollment/people/{uuid4()}/portrait.jpg").status_code == 404

    def test_that_are_gone_are_not_found(self, operator_client):
        assert operator_client.get(f"/enrollment/samples/{uuid4()}.jpg").status_code == 404
        assert operator_client.post(f"/enrollment/samples/{uuid4()}/remove/").status_code == 404

    def test_are_removed_only_after_a_question(self, operator_client, enroll):
        person = enroll()
        url = f"/enrollment/samples/{person.samples.first().uuid}/remove/"
        assertNotContains(operator_client.get(url), "This is the last sample")
        assert person.samples.count() == 2
        assertRedirects(operator_client.post(url), person.get_absolute_url())
        assert person.samples.count() == 1

    def test_the_last_one_is_called_the_last_one(self, operator_client, enroll):
        sample = enroll(seeds=(1,)).samples.get()
        assertContains(operator_client.get(f"/enrollment/samples/{sample.uuid}/remove/"), "This is the last sample")


class TestUpload:
    def test_enrols_from_several_pictures_at_once(self, operator_client, engine, photo, operator):
        files = [photo("Alexander_Downer", number) for number in range(2)]
        response = operator_client.post(UPLOAD, new_person(external_id="S-1", photos=files), follow=True)
        person = Person.objects.get()
        assertRedirects(response, person.get_absolute_url())
        assertContains(response, "Alexander Downer was enrolled from 2 pictures.")
        assert (person.external_id, person.created_by, person.samples.count()) == ("S-1", operator, 2)
        assert set(person.samples.values_list("source", flat=True)) == {"upload"}

    def test_takes_days_and_groups_that_are_known_already(self, photo, engine):
        visitors = create_group(actor=None, name="Visitors")
        desk = make_client(Role.RECEPTIONIST)
        assertContains(desk.get(UPLOAD), "<summary>More about this person</summary>")
        more = {"valid_from": "2026-03-01", "valid_until": "2026-03-05", "groups": [str(visitors.uuid)]}
        desk.post(UPLOAD, new_person(photos=[photo("Alexander_Downer")], **more))
        person = Person.objects.get()
        assert (person.valid_from, person.valid_until) == (date(2026, 3, 1), date(2026, 3, 5))
        assert list(person.groups.all()) == [visitors]

    @pytest.mark.parametrize(
        ("more", "sentence"),
        [
            ({"valid_from": "2026-03-05", "valid_until": "2026-03-01"}, "The last day is before the first one."),
            ({"valid_until": "soon"}, "A day must be written like 2026-01-31."),
            ({"groups": [str(NOBODY)]}, "One of these groups was deleted meanwhile."),
        ],
    )
    def test_says_what_is_wrong_with_days_and_groups_and_keeps_the_pictures(
        self, operator_client, engine, photo, more, sentence
    ):
        create_group(actor=None, name="Visitors")
        refused = operator_client.post(UPLOAD, new_person(photos=[photo("Alexander_Downer")], **more))
        assertContains(refused, sentence, status_code=400)
        assertContains(refused, '<details class="more-about" open>', status_code=400)
        assert not Person.objects.exists()
        operator_client.post(UPLOAD, new_person(held=refused.context["held"]))
        assert Person.objects.get().samples.count() == 1

    def test_a_script_that_sends_the_form_hears_where_to_go_and_the_page_there_says_what_was_done(
        self, operator_client, engine, photo
    ):
        sent = new_person(photos=[photo("Alexander_Downer")])
        answer = operator_client.post(UPLOAD, sent, headers={"Accept": "application/json, text/html"})
        assert answer.json() == {"next": Person.objects.get().get_absolute_url()}
        assertContains(operator_client.get(answer.json()["next"]), "Alexander Downer was enrolled from 1 picture.")

    def test_uses_the_good_pictures_and_says_why_not_the_others(self, operator_client, engine, photo):
        files = [photo("Alexander_Downer"), SimpleUploadedFile("note.jpg", b"no picture at all")]
        response = operator_client.post(UPLOAD, new_person(photos=files), follow=True)
        assertContains(response, "Alexander Downer was enrolled from 1 picture.")
        assertContains(response, "note.jpg was not used. This is no picture that can be read")

    def test_asks_which_face_of_a_group_picture_is_meant(self, operator_client, engine, photo):
        files = [photo("Alexander_Downer"), two_faces(photo)]
        response = operator_client.post(UPLOAD, new_person(photos=files))
        assertContains(response, "Which face in both.jpg?", status_code=409)
        assertContains(response, 'name="face-0"', count=3, status_code=409)  # two faces, and none of them
        assert not Person.objects.exists()

    @pytest.mark.parametrize("face", [0, 1])
    def test_takes_the_face_that_was_chosen(self, operator_client, engine, photo, face):
        asked = operator_client.post(UPLOAD, new_person(photos=[two_faces(photo)]))
        [group] = asked.context["groups"]
        answer = new_person(held_groups=asked.context["held_groups"], **{"face-0": str(face)})
        operator_client.post(UPLOAD, answer)
        sample = FaceSample.objects.get()
        assert (decode_crop(read_crop(sample)) == decode_crop(b64decode(group.faces[face].packed["crop"]))).all()

    def test_keeps_asking_until_a_face_or_none_is_chosen(self, operator_client, engine, photo):
        asked = operator_client.post(UPLOAD, new_person(photos=[two_faces(photo)]))
        held = asked.context["held_groups"]
        for answer in ("", "7", "-1", "x"):
            response = operator_client.post(UPLOAD, new_person(held_groups=held, **{"face-0": answer}))
            assertContains(response, "Which face in both.jpg?", status_code=409)
        response = operator_client.post(UPLOAD, new_person(held_groups=held, **{"face-0": "none"}))
        assertContains(response, "Choose at least one picture.", status_code=400)
        assert not Person.objects.exists()

    def test_offers_only_so_many_group_pictures_at_a_time(self, operator_client, engine, photo):
        files = [two_faces(photo) for _ in range(photos.MAX_GROUPS + 1)]
        response = operator_client.post(UPLOAD, new_person(photos=files))
        assert len(response.context["groups"]) == photos.MAX_GROUPS
        assertContains(response, "Add this one again afterwards.", status_code=409)

    def test_stores_nothing_when_no_picture_can_be_used(self, operator_client, engine, photo):
        blank = BytesIO(cv2.imencode(".png", np.full((300, 300, 3), 127, np.uint8))[1].tobytes())
        blank.name = "wall.png"
        response = operator_client.post(UPLOAD, new_person(photos=[blank]))
        assertContains(response, "No face was found.", status_code=400)
        assertContains(response, "None of these pictures can be used.", status_code=400)
        assertContains(response, 'value="Alexander Downer"', status_code=400)
        assert not Person.objects.exists()

    def test_asks_for_a_picture_when_there_is_none(self, operator_client, engine):
        assertContains(operator_client.post(UPLOAD, new_person()), "Choose at least one picture.", status_code=400)

    def test_says_everything_that_is_missing_at_once(self, operator_client, engine):
        response = operator_client.post(UPLOAD, {})
        for sentence in ("Give the person&#x27;s name.", "Choose at least one picture.", "must agree to the consent"):
            assertContains(response, sentence, status_code=400)

    def test_refuses_more_than_ten_pictures(self, operator_client, engine, photo):
        files = [photo("Alexander_Downer") for _ in range(11)]
        response = operator_client.post(UPLOAD, new_person(photos=files))
        assertContains(response, "You chose 11 pictures. Choose at most 10 at a time.", status_code=400)
        assert not Person.objects.exists()

    def test_refuses_a_file_of_more_than_twenty_megabytes_unread(self, operator_client, engine, photo):
        big = SimpleUploadedFile("big.jpg", photo("Alexander_Downer").read() + b"\0" * (20 * 1024 * 1024))
        response = operator_client.post(UPLOAD, new_person(photos=[big]))
        assertContains(response, "at most 20 MB are allowed", status_code=400)

    def test_refuses_a_blurred_picture_with_advice_for_pictures(self, operator_client, engine, photo):
        image = cv2.GaussianBlur(decode_image(photo("Alexander_Downer").read()), (0, 0), 5)
        blurred = SimpleUploadedFile("blurred.jpg", cv2.imencode(".jpg", image)[1].tobytes())
        response = operator_client.post(UPLOAD, new_person(photos=[blurred]))
        assertContains(response, "Use a sharper picture.", status_code=400)

    def test_looks_for_faces_in_an_upright_picture_once(self, operator_client, photo, looks):
        operator_client.post(UPLOAD, new_person(photos=[photo("Alexander_Downer")]))
        assert FaceSample.objects.count() == len(looks) == 1

    @pytest.mark.parametrize("quarters", [1, 2, 3])
    def test_turns_a_picture_that_lies_on_its_side_or_stands_on_its_head(
        self, operator_client, engine, photo, quarters
    ):
        upright = decode_image(photo("Alexander_Downer").read())
        turned = SimpleUploadedFile("turned.png", cv2.imencode(".png", np.rot90(upright, quarters))[1].tobytes())
        operator_client.post(UPLOAD, new_person(photos=[turned]))
        crop = decode_crop(read_crop(FaceSample.objects.get()))
        (expected,) = engine.analyze(upright).faces
        assert engine.embed([crop])[0] @ expected.embedding > 0.8

    def test_refuses_a_covered_mouth(self, operator_client, engine, shared_faces):
        case = shared_faces.parent / "cases" / "faces" / "maskA.png"
        response = operator_client.post(UPLOAD, new_person(photos=[SimpleUploadedFile("mask.png", case.read_bytes())]))
        assertContains(response, "The mouth is covered.", status_code=400)
        assert not Person.objects.exists()

    def test_names_what_a_phone_writes_and_is_not_read(self, operator_client, engine, shared_faces):
        folder = shared_faces.parent / "cases" / "heic" / "Pat Doe"
        files = [SimpleUploadedFile(name, (folder / name).read_bytes()) for name in ("IMG_2.HEIC", "p.avif")]
        response = operator_client.post(UPLOAD, new_person(photos=files))
        for sentence in (
            "HEIC pictures cannot be read here: save this one as JPEG",
            "AVIF pictures cannot be read here",
        ):
            assertContains(response, sentence, status_code=400)

    @pytest.mark.parametrize("name", ["wa.jfif", "old.bmp"])
    def test_reads_what_messengers_and_old_programs_write(self, operator_client, engine, shared_faces, name):
        data = (shared_faces.parent / "cases" / "heic" / "Pat Doe" / name).read_bytes()
        operator_client.post(UPLOAD, new_person(photos=[SimpleUploadedFile(name, data)]))
        assert Person.objects.get().samples.count() == 1

    def test_offers_every_kind_that_is_read_in_the_file_dialog(self, operator_client, engine):
        accept = 'accept="image/jpeg,image/png,image/webp,image/bmp,.jfif"'
        for address in (UPLOAD, "/verification/photo/"):
            assertContains(operator_client.get(address), accept)
        assertContains(operator_client.get(UPLOAD), "JPEG, PNG, WebP or BMP, at most 20 MB and 52 megapixels.")

    def test_enrols_nobody_who_is_hidden_under_transparent_pixels(self, operator_client, engine, shared_faces):
        data = (shared_faces.parent / "cases" / "formats" / "hidden_under_alpha.png").read_bytes()
        hidden = max(engine.detect(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)), key=area_of)
        response = operator_client.post(UPLOAD, new_person(photos=[SimpleUploadedFile("two.png", data)]))
        seen = engine.analyze(decode_image(data, UPLOAD_LIMITS)).faces
        assert all(area_of(face.detection) < 0.6 * area_of(hidden) for face in seen)
        assert response.status_code in (302, 400)
        assert FaceSample.objects.count() <= 1

    def test_keeps_usable_pictures_while_the_form_is_put_right(self, operator_client, engine, photo):
        first = operator_client.post(UPLOAD, {"name": "", "external_id": "", "photos": [photo("Alexander_Downer")]})
        assertContains(first, "1 picture ready, not saved yet", status_code=400)
        assertContains(first, "must agree to the consent text", status_code=400)
        assert not Person.objects.exists()
        operator_client.post(UPLOAD, new_person(held=first.context["held"], photos=[photo("Alexander_Downer", 1)]))
        assert Person.objects.get().samples.count() == 2

    def test_says_which_command_installs_a_pack(self, operator_client, no_engine, photo, settings, tmp_path):
        settings.FACESITE_MODELS_DIR = tmp_path
        settings.FACESITE_MODEL_PACK = "mobile"
        response = operator_client.post(UPLOAD, new_person(photos=[photo("Alexander_Downer")]))
        assertContains(response, "manage.py packs install", status_code=400)

    def test_adds_to_somebody_who_is_enrolled(self, operator_client, engine, photo):
        operator_client.post(UPLOAD, new_person(photos=[photo("Alexander_Downer")]))
        person = Person.objects.get()
        url = f"{person.get_absolute_url()}upload/"
        response = operator_client.post(
            url, {"photos": [photo("Alexander_Downer", 1), photo("Alexander_Downer")]}, follow=True
        )
        assertContains(response, "1 new sample of Alexander Downer saved.")
        assert person.samples.count() == 2


class TestPossibleDuplicate:
    @pytest.fixture
    def alexander(self, operator_client, engine, photo) -> Person:
        operator_client.post(UPLOAD, new_person(photos=[photo("Alexander_Downer")]))
        reset_gallery()  # the test's transaction never commits, so nobody is told
        return Person.objects.get()

    @pytest.fixture
    def question(self, operator_client, alexander, photo):
        return operator_client.post(UPLOAD, new_person(name="William", photos=[photo("Alexander_Downer", 1)]))

    def test_is_asked_about_before_anything_is_stored(self, question, alexander):
        assertContains(question, "Somebody who looks like this is already enrolled", status_code=409)
        assertContains(question, alexander.get_absolute_url(), status_code=409)
        assert Person.objects.count() == 1

    def test_may_be_a_different_person(self, operator_client, question):
        answer = new_person(name="William", held=question.context["held"], despite_duplicate="yes")
        operator_client.post(UPLOAD, answer)
        assert Person.objects.get(name="William").samples.count() == 1

    def test_may_be_the_same_person(self, operator_client, question, alexander):
        answer = new_person(name="William", held=question.context["held"], add_to=str(alexander.uuid))
        assertRedirects(operator_client.post(UPLOAD, answer), alexander.get_absolute_url())
        assert Person.objects.get().samples.count() == 2

    def test_is_asked_about_when_pictures_are_added_to_somebody_else(self, operator_client, alexander, enroll, photo):
        other = enroll("Ada Lovelace")
        url = f"{other.get_absolute_url()}upload/"
        question = operator_client.post(url, {"photos": [photo("Alexander_Downer", 1)]})
        assertContains(question, "already enrolled", status_code=409)
        assert other.samples.count() == 2
        operator_client.post(url, {"held": question.context["held"], "despite_duplicate": "yes"})
        assert other.samples.count() == 3


class TestHeldDrafts:
    @pytest.fixture
    def held(self, operator, engine, photo):
        [outcome] = photos.check_photos([photo("Alexander_Downer")])
        assert outcome.draft
        return photos.hold_drafts([outcome.draft], operator), outcome.draft

    def test_come_back_as_they_were(self, held, operator):
        token, draft = held
        [released] = photos.release_drafts(token, operator)
        assert np.array_equal(released.aligned, draft.aligned)
        assert released.embedding == pytest.approx(draft.embedding, abs=1e-5)
        assert (released.pose, released.source) == (draft.pose, draft.source)
        assert quality_to_json(released.quality) == quality_to_json(draft.quality)

    def test_carry_no_embedding(self, held):
        token, _ = held
        [entry] = signing.loads(token, salt=photos._salt(User.objects.get()))
        assert set(entry) == {"crop", "quality", "source", "pose"}

    def test_are_of_no_use_to_another_operator(self, held, staff):
        with pytest.raises(photos.PhotosExpired):
            photos.release_drafts(held[0], staff)

    def test_cannot_be_tampered_with(self, held, operator):
        token, _ = held
        with pytest.raises(photos.PhotosExpired):
            photos.release_drafts("x" + token[1:], operator)

    def test_expire(self, held, operator, monkeypatch):
        monkeypatch.setattr(photos, "HOLD_SECONDS", -1)
        with pytest.raises(photos.PhotosExpired):
            photos.release_drafts(held[0], operator)

    def test_that_expired_are_asked_for_again(self, operator_client, engine):
        response = operator_client.post(UPLOAD, new_person(held="nonsense"))
        assertContains(response, "no longer valid. Choose them again.", status_code=400)


class TestCapture:
    def test_pages_name_the_person_that_samples_are_added_to(self, operator_client, enroll):
        person = enroll("Ada Lovelace")
        assertContains(operator_client.get(f"{person.get_absolute_url()}capture/"), str(person.uuid))

    def test_the_enrol_page_shows_the_consent_text(self, operator_client):
        assertContains(operator_client.get("/enrollment/"), "I may withdraw at any time.")

    def test_the_enrol_page_offers_days_and_the_groups_that_there_are(self, operator_client):
        page = operator_client.get("/enrollment/")
        assertContains(page, 'name="valid_until"')
        assertNotContains(page, 'name="groups"')
        visitors = create_group(actor=None, name="Visitors")
        assertContains(operator_client.get("/enrollment/"), f'name="groups" value="{visitors.uuid}"')


@pytest.mark.django_db
class TestChildren:
    @pytest.mark.parametrize("page", ["/enrollment/", "/enrollment/upload/", "/enrollment/import/"])
    def test_pages_that_enrol_say_that_children_must_not_be(self, operator_client, page):
        assertContains(operator_client.get(page), "Do not enrol children under 13 for identification.")

    @pytest.mark.parametrize("command", [EnrollFolder, ImportCompreFace])
    def test_so_does_the_help_of_commands_that_enrol(self, command):
        assert "Do not enrol children under 13 for identification" in command.help

    def test_and_so_does_the_apis_document(self, client):
        said = client.get("/api/v1/openapi.json").json()["paths"]["/api/v1/people"]["post"]["description"]
        assert "Do not enrol children under 13 for identification" in said
