"""What CompreFace's own client (test_docs.py) does not ask."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from enrollment.models import Person
from security.keys.scopes import Scope
from tests.support.api import Program
from tests.verification.conftest import ADA, BOB


class Client:
    def __init__(self, program: Program) -> None:
        self.program = program

    def send(self, method: str, path: str, data: Any = None, kind: str = "image/jpeg") -> tuple[int, Any]:
        answer = self.program.send(
            method, f"/recognition{path}", data, kind, x_api_key=self.program.secret, Authorization=""
        )
        return answer.status_code, json.loads(answer.content)


@pytest.fixture
def client(program) -> Client:
    return Client(program)


class TestSubjects:
    def test_two_people_of_one_name_are_no_subject(self, client, program):
        for _ in range(2):
            program.enrol("Ada")
        status, answer = client.send("DELETE", "/subjects/Ada")
        assert (status, answer["reason"]) == (409, "subject_ambiguous")
        assert Person.objects.count() == 2

    def test_a_name_may_have_a_slash_and_is_not_given_to_two(self, client):
        assert client.send("POST", "/subjects", {"subject": "Ada/Lovelace"}) == (201, {"subject": "Ada/Lovelace"})
        client.send("POST", "/subjects", {"subject": "Bob"})
        assert client.send("PUT", "/subjects/Bob", {"subject": "Ada/Lovelace"})[0] == 409
        assert client.send("DELETE", "/subjects/Ada/Lovelace") == (200, {"subject": "Ada/Lovelace"})

    def test_erasing_everybody_takes_two_operators(self, client):
        for name in ("Ada", "Bob"):
            client.send("POST", "/subjects", {"subject": name})
        status, answer = client.send("DELETE", "/subjects")
        assert (status, answer["reason"]) == (403, "second_person_needed")
        assert Person.objects.count() == 2


class TestExamples:
    def test_are_listed_page_by_page_and_removed_together(self, client, ada):
        first = client.send("GET", "/faces?size=2&page=0")[1]
        second = client.send("GET", "/faces?size=2&page=1&subject=Ada")[1]
        assert (first["total_pages"], first["total_elements"]) == (2, 3)
        ids = [face["image_id"] for face in first["faces"] + second["faces"]]
        assert len(set(ids)) == 3
        removed = client.send("POST", "/faces/delete", ids[:2])[1]
        assert [each["image_id"] for each in removed] == ids[:2]
        assert client.send("GET", "/faces")[1]["total_elements"] == 1

    def test_a_picture_may_be_base64(self, client, ada, picture):
        body = {"file": base64.b64encode(picture(ADA, 4)).decode()}
        (found,) = client.send("POST", "/recognize", body)[1]["result"]
        assert found["subjects"][0]["subject"] == "Ada"
        assert client.send("POST", "/recognize", {"file": "!"})[0] == 400

    def test_nobody_in_the_picture_has_its_number(self, client, picture):
        status, answer = client.send("POST", "/recognize?det_prob_threshold=1", picture(BOB, 1))
        assert (status, answer["code"], answer["message"]) == (400, 28, "No face is found in the given image")


class TestWhoIsRefused:
    def test_a_key_without_the_scope_or_none(self, transactional_db, engine, picture):
        reader = Client(Program(Scope.PEOPLE_READ))
        assert reader.send("GET", "/subjects") == (200, {"subjects": []})
        assert reader.send("POST", "/recognize", picture(BOB, 1))[1]["reason"] == "scope_missing"
        assert Client(Program(secret="")).send("GET", "/subjects")[1]["reason"] == "key_missing"
