from __future__ import annotations

import io

import numpy as np
import pytest
from django.test.client import BOUNDARY as DJANGOS_BOUNDARY
from django.test.client import MULTIPART_CONTENT, encode_multipart

from api.models import FirstAnswer
from enrollment.models import ConsentPolicy, Person, PersonGroup
from security.models import AuditEvent
from tests.support.api import problem
from tests.support.ids import NOBODY
from tests.support.pictures import encoded
from tests.verification.conftest import ADA, BOB

PAPER = {"how": "paper"}


class TestCreatePerson:
    def test_answers_with_the_person_who_has_no_sample_yet(self, program):
        made = program.post("/people", {"name": " Ada  Lovelace ", "external_id": "7", "consent": PAPER})
        assert made.status_code == 201
        person = made.json()
        assert (person["name"], person["external_id"], person["samples"]) == ("Ada Lovelace", "7", 0)
        assert (person["consent"]["how"], person["consent"]["legal_basis"]) == ("paper", "consent")
        assert Person.objects.get().created_by == program.key.account

    def test_takes_days_which_change_and_go_again_and_the_answer_names_groups(self, program):
        days = {"valid_from": "2026-03-01", "valid_until": "2026-03-31"}
        made = program.post("/people", {"name": "Ada", "consent": PAPER} | days).json()
        assert made.items() >= (days | {"groups": []}).items()
        PersonGroup.objects.create(name="Visitors").people.add(Person.objects.get())
        address = f"/people/{made['id']}"
        changed = program.patch(address, {"valid_until": None}).json()
        assert changed.items() >= {"valid_from": "2026-03-01", "valid_until": None, "groups": ["Visitors"]}.items()
        wrong = program.patch(address, {"name": "Bob", "valid_until": "2026-02-01"})
        assert problem(wrong) == (422, "validity_invalid")
        assert Person.objects.get().name == "Ada"

    def test_puts_into_groups_that_there_are_by_their_names(self, program):
        for name in ("Visitors", "Büro"):
            PersonGroup.objects.create(name=name)
        made = program.post("/people", {"name": "Ada", "consent": PAPER, "groups": ["buro", "Visitors"]}).json()
        assert made["groups"] == ["Büro", "Visitors"]
        address = f"/people/{made['id']}"
        assert program.patch(address, {"name": "Ada L."}).json()["groups"] == ["Büro", "Visitors"]
        assert program.patch(address, {"groups": ["Visitors"]}).json()["groups"] == ["Visitors"]
        assert program.patch(address, {"groups": []}).json()["groups"] == []

    def test_keeps_nothing_of_a_person_whose_group_there_is_not(self, program):
        wrong = program.post("/people", {"name": "Ada", "consent": PAPER, "groups": ["Visitors"]})
        assert problem(wrong) == (422, "group_unknown")
        assert "'Visitors'" in wrong.json()["detail"]
        assert not Person.objects.exists()

    def test_leaves_an_audit_row_that_names_the_key(self, program):
        program.post("/people", {"name": "Ada", "consent": PAPER})
        assert AuditEvent.objects.get(action="person.enrolled").actor == f"api_key:{program.key.pk}"

    def test_refuses_without_a_word_about_consent(self, program):
        assert problem(program.post("/people", {"name": "Ada"})) == (422, "consent_required")
        assert not Person.objects.exists()

    def test_refuses_a_legal_basis_that_the_site_does_not_allow(self, program):
        consent = {"how": "not_asked", "legal_basis": "contract"}
        assert problem(program.post("/people", {"name": "Ada", "consent": consent})) == (422, "consent_invalid")
        ConsentPolicy.objects.create(bases=["consent", "contract"])
        assert program.post("/people", {"name": "Ada", "consent": consent}).status_code == 201

    def test_refuses_an_external_id_that_somebody_has(self, program):
        program.post("/people", {"name": "Ada", "external_id": "7", "consent": PAPER})
        again = program.post("/people", {"name": "Bob", "external_id": "7", "consent": PAPER})
        assert problem(again) == (409, "external_id_taken")

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({"consent": PAPER}, "request_invalid"),
            ({"name": 7, "consent": PAPER}, "request_invalid"),
            ({"name": "Ada", "shoe_size": 38, "consent": PAPER}, "request_invalid"),
            ({"name": " ", "consent": PAPER}, "name_invalid"),
            ({"name": "\ud800", "consent": PAPER}, "request_invalid"),
            ({"name": "A", "external_id": "\0", "consent": PAPER}, "external_id_invalid"),
            ({"name": "A", "consent": PAPER | {"note": "\ud800"}}, "request_invalid"),
            ({"name": "A", "consent": PAPER | {"given_at": "2999-01-01T00:00:00Z"}}, "consent_invalid"),
            ({"name": "A", "consent": PAPER | {"given_at": "2020-01-01T00:00:00"}}, "consent_invalid"),
        ],
    )
    def test_says_what_is_wrong_with_a_body(self, program, body, code):
        assert problem(program.post("/people", body)) == (422, code)

    def test_refuses_what_is_no_json(self, program):
        assert problem(program.post("/people", b"{", "application/json")) == (422, "request_invalid")
        assert problem(program.post("/people", b"{}", "text/plain")) == (415, "media_type_unsupported")


class TestIdempotencyKey:
    def test_the_same_request_gives_the_first_answer_again(self, program):
        body = {"name": "Ada", "consent": PAPER}
        first = program.post("/people", body, Idempotency_Key="abc")
        second = program.post("/people", body, Idempotency_Key="abc")
        assert (second.status_code, second.json()) == (201, first.json())
        assert Person.objects.count() == 1

    def test_another_body_is_refused(self, program):
        program.post("/people", {"name": "Ada", "consent": PAPER}, Idempotency_Key="abc")
        other = program.post("/people", {"name": "Bob", "consent": PAPER}, Idempotency_Key="abc")
        assert problem(other) == (422, "idempotency_key_reused")

    def test_after_a_day_the_key_is_free_again(self, program):
        body = {"name": "Ada", "consent": PAPER}
        program.post("/people", body, Idempotency_Key="abc")
        from datetime import timedelta

        FirstAnswer.objects.update(at=FirstAnswer.objects.get().at - timedelta(hours=25))
        program.post("/people", body, Idempotency_Key="abc")
        assert Person.objects.count() == 2

    def test_what_was_refused_is_tried_again(self, program):
        assert problem(program.post("/people", {"name": ""}, Idempotency_Key="abc"))[0] == 422
        assert program.post("/people", {"name": "Ada", "consent": PAPER}, Idempotency_Key="abc").status_code == 201

    def test_samples_come_once(self, program, picture):
        uuid = program.enrol("Ada")
        path = f"/people/{uuid}/samples"
        first, second = (program.post(path, picture(ADA, 1), Idempotency_Key="s") for _ in range(2))
        assert first.json() == second.json()
        assert problem(program.post(path, picture(ADA, 2), Idempotency_Key="s")) == (422, "idempotency_key_reused")

    def test_an_erasure_forgets_the_answer_with_the_name(self, program):
        uuid = program.post("/people", {"name": "Ada", "consent": PAPER}, Idempotency_Key="abc").json()["id"]
        assert program.delete(f"/people/{uuid}").status_code == 204
        assert not FirstAnswer.objects.exists()


class TestListPeople:
    def test_goes_on_with_a_cursor_until_everybody_was_listed(self, program):
        for name in ("Ada", "Bob", "Cleo"):
            program.enrol(name)
        first = program.get("/people?limit=2").json()
        second = program.get(f"/people?limit=2&cursor={first['next_cursor']}").json()
        assert [person["name"] for person in first["people"] + second["people"]] == ["Ada", "Bob", "Cleo"]
        assert second["next_cursor"] is None

    def test_finds_by_words(self, program):
        program.enrol("Ada Lovelace")
        program.enrol("Bob", external_id="77")
        assert [person["name"] for person in program.get("/people?q=77").json()["people"]] == ["Bob"]

    def test_refuses_a_cursor_that_it_did_not_give(self, program):
        assert problem(program.get("/people?cursor=abc")) == (422, "cursor_invalid")

    @pytest.mark.parametrize("limit", ["0", "201", "many"])
    def test_refuses_a_limit_beyond_its_range(self, program, limit):
        assert problem(program.get(f"/people?limit={limit}")) == (422, "request_invalid")


class TestOnePerson:
    def test_is_shown_and_changed(self, program):
        uuid = program.enrol("Ada", external_id="7")
        changed = program.patch(f"/people/{uuid}", {"name": "Ada L.", "is_active": False})
        assert changed.status_code == 200
        shown = program.get(f"/people/{uuid}").json()
        assert (shown["name"], shown["external_id"], shown["is_active"]) == ("Ada L.", "7", False)
        assert program.patch(f"/people/{uuid}", {"external_id": None}).json()["external_id"] is None

    @pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
    def test_who_is_not_there_is_404(self, program, method):
        assert problem(program.send(method, f"/people/{NOBODY}", {})) == (404, "person_unknown")

    def test_an_address_without_a_uuid_is_404_too(self, program):
        assert problem(program.get("/people/ada")) == (404, "not_found")


class TestSamples:
    def test_a_picture_becomes_a_sample(self, program, picture):
        uuid = program.enrol("Ada")
        added = program.post(f"/people/{uuid}/samples", picture(ADA, 1)).json()
        assert (len(added["samples"]), added["person"]["samples"]) == (1, 1)
        (sample,) = program.get(f"/people/{uuid}/samples").json()["samples"]
        assert sample == added["samples"][0]
        assert sample["quality"]["score"] > 0.3

    def test_several_pictures_of_a_form_are_added_together(self, program, picture):
        uuid = program.enrol("Ada")
        files = []
        for number in (1, 2, 3):
            files.append(io.BytesIO(picture(ADA, number)))
            files[-1].name = f"{number}.jpg"
        body = encode_multipart(DJANGOS_BOUNDARY, {"image": files})
        added = program.post(f"/people/{uuid}/samples", body, MULTIPART_CONTENT)
        assert added.json()["person"]["samples"] == 3

    def test_a_picture_without_a_face_is_refused(self, program):
        uuid = program.enrol("Ada")
        blank = encoded(".png", np.full((200, 200, 3), 127, np.uint8))
        assert problem(program.post(f"/people/{uuid}/samples", blank, "image/png")) == (422, "no_face")

    def test_somebody_who_is_enrolled_already_is_a_question(self, program, ada, picture):
        twin = program.enrol("Ada's twin")
        refused = program.post(f"/people/{twin}/samples", picture(ADA, 4))
        assert problem(refused) == (409, "possible_duplicate")
        assert [each["person"] for each in refused.json()["candidates"]] == [{"id": ada, "name": "Ada"}]
        insisted = program.post(f"/people/{twin}/samples?despite_duplicate=true", picture(ADA, 4))
        assert insisted.status_code == 201

    def test_one_is_removed(self, program, ada):
        first = program.get(f"/people/{ada}/samples").json()["samples"][0]["id"]
        assert program.delete(f"/people/{ada}/samples/{first}").status_code == 204
        assert problem(program.delete(f"/people/{ada}/samples/{first}")) == (404, "sample_unknown")
        assert program.get(f"/people/{ada}").json()["samples"] == 2

    def test_one_of_somebody_else_is_not_found(self, program, ada, picture):
        bob = program.enrol("Bob", picture(BOB, 1))
        theirs = program.get(f"/people/{bob}/samples").json()["samples"][0]["id"]
        assert problem(program.delete(f"/people/{ada}/samples/{theirs}")) == (404, "sample_unknown")


class TestErasePerson:
    def test_nobody_is_left_and_the_trail_names_the_key(self, program, ada, picture):
        assert program.delete(f"/people/{ada}").status_code == 204
        assert not Person.objects.exists()
        assert AuditEvent.objects.get(action="person.erased").actor == f"api_key:{program.key.pk}"
        (face,) = program.post("/identify", picture(ADA, 4)).json()["faces"]
        assert face["person"] is None
