from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from security.keys.checking import forget_checked
from security.keys.scopes import Scope
from security.keys.services import revoke_key
from security.models import ApiKey
from security.roles.table import Role
from tests.support.api import Program, problem
from tests.support.operators import make_client

pytestmark = pytest.mark.usefixtures("transactional_db", "engine")


class TestWhoIsRefused:
    @pytest.mark.parametrize(
        ("header", "code"),
        [
            ("", "key_missing"),
            ("Basic fsk_x", "key_missing"),
            ("Bearer ", "key_missing"),
            ("Bearer fsk_nobody", "key_invalid"),
            ("Bearer " + "fsk_" + "x" * 5000, "key_invalid"),
            ("Bearer something", "key_invalid"),
        ],
    )
    def test_somebody_without_a_key(self, header, code):
        answer = Program(secret="").get("/status", Authorization=header)
        assert problem(answer) == (401, code)
        assert answer.headers["WWW-Authenticate"] == "Bearer"

    def test_a_session_of_a_page_counts_for_nothing(self):
        assert make_client(Role.ADMINISTRATOR).get("/api/v1/people").status_code == 401

    def test_a_key_that_was_revoked(self):
        program = Program(Scope.PEOPLE_READ)
        assert program.get("/people").status_code == 200
        revoke_key(actor=None, key=program.key)
        assert problem(program.get("/people")) == (401, "key_revoked")

    def test_a_key_that_has_expired(self):
        program = Program(Scope.PEOPLE_READ, expires_at=timezone.now() + timedelta(hours=1))
        assert program.get("/people").status_code == 200
        ApiKey.objects.update(expires_at=timezone.now())
        forget_checked()
        assert problem(program.get("/people")) == (401, "key_expired")

    def test_a_key_at_another_address(self):
        assert problem(Program(addresses=["192.0.2.0/24"]).get("/people")) == (403, "address_not_allowed")
        assert Program(addresses=["192.0.2.0/24", "127.0.0.0/8"]).get("/people").status_code == 200

    def test_a_key_without_the_scope(self):
        refused = Program(Scope.IDENTIFY).get("/people")
        assert problem(refused) == (403, "scope_missing")
        assert "people:read or people:write" in refused.json()["detail"]

    def test_a_key_that_asks_too_often(self):
        program = Program(requests_per_minute=6)
        assert program.get("/people").status_code == 200
        refused = program.get("/people")
        assert problem(refused) == (429, "rate_limited")
        assert 1 <= int(refused.headers["Retry-After"]) <= 10


class TestUse:
    def test_is_noted_once_a_minute(self):
        program = Program(Scope.PEOPLE_READ)
        program.get("/people")
        first = ApiKey.objects.get().last_used_at
        assert first is not None
        program.get("/people")
        assert ApiKey.objects.get().last_used_at == first
        ApiKey.objects.update(last_used_at=first - timedelta(minutes=2))
        forget_checked()
        program.get("/people")
        last = ApiKey.objects.get().last_used_at
        assert last is not None
        assert last >= first

    def test_costs_one_query_in_a_row_of_requests(self, django_assert_num_queries):
        from security.keys.checking import find_key

        program = Program(Scope.PEOPLE_READ)
        with django_assert_num_queries(1):
            for _ in range(10):
                find_key(program.secret)


class TestAnswers:
    def test_have_a_request_id_which_the_log_has_too(self, caplog):
        caplog.set_level("INFO", "facesite.api")
        program = Program(Scope.PEOPLE_READ)
        answer = program.get("/people", X_Request_Id="order-66")
        assert answer.headers["X-Request-Id"] == "order-66"
        (line,) = [record.data for record in caplog.records if record.name == "facesite.api"]
        assert (line["request"], line["key"], line["status"]) == ("order-66", program.key.pk, 200)
        assert len(program.get("/people", X_Request_Id="no\tword").headers["X-Request-Id"]) == 32

    def test_are_problems_where_django_itself_answers(self):
        program = Program()
        assert problem(program.get("/nothing")) == (404, "not_found")
        wrong = program.send("PUT", "/people")
        assert problem(wrong) == (405, "method_not_allowed")
        assert set(wrong.headers["Allow"].split(", ")) == {"GET", "POST"}

    def test_say_that_the_database_is_away(self, monkeypatch):
        from django.db import OperationalError

        from api import people

        def away(*args):
            raise OperationalError

        monkeypatch.setattr(people, "search_people", away)
        refused = Program().get("/people")
        assert problem(refused) == (503, "database_away")
        assert "Retry-After" in refused.headers

    def test_hide_a_fault_of_ours_but_not_its_request_id(self, monkeypatch):
        from api import people

        def broken(*args):
            raise RuntimeError("a name")

        monkeypatch.setattr(people, "search_people", broken)
        answer = Program().get("/people")
        assert problem(answer) == (500, "internal_error")
        assert b"a name" not in answer.content
