from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from attendance.models import Punch
from security.keys.scopes import Scope
from tests.support.api import Program, problem
from tests.verification.rows import make_attempt, make_person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def program() -> Program:
    return Program(Scope.ATTENDANCE_READ)


@pytest.fixture
def punches() -> list[Punch]:
    """Ada comes and goes, Bo comes; the newest last."""
    ada, bo, now = make_person("Ada"), make_person("Bo"), timezone.now()
    return [
        Punch.objects.create(person=person, direction=direction, way="face", at=now - timedelta(hours=hours), **values)
        for person, direction, hours, values in (
            (ada, "in", 3, {"attempt": make_attempt()}),
            (ada, "out", 2, {}),
            (bo, "in", 1, {}),
            (bo, "out", 0, {"voided_at": now}),
        )
    ]


class TestListPunches:
    def test_gives_the_newest_first_without_what_was_taken_back(self, program, punches):
        said = program.get("/attendance").json()
        assert [row["id"] for row in said["punches"]] == [str(punch.uuid) for punch in punches[2::-1]]
        assert said["next_cursor"] is None
        last = said["punches"][-1]
        assert (last["person"]["name"], last["direction"], last["way"]) == ("Ada", "in", "face")
        assert last["attempt"] == str(punches[0].attempt.uuid)

    def test_gives_those_of_a_time_and_a_person(self, program, punches):
        since = (punches[1].at - timedelta(minutes=1)).isoformat().replace("+", "%2B")
        until = punches[2].at.isoformat().replace("+", "%2B")
        rows = program.get(f"/attendance?from={since}&to={until}").json()["punches"]
        assert [row["id"] for row in rows] == [str(punches[1].uuid)]
        rows = program.get(f"/attendance?person={punches[2].person.uuid}").json()["punches"]
        assert [row["person"]["name"] for row in rows] == ["Bo"]

    def test_goes_on_from_a_cursor(self, program, punches):
        first = program.get("/attendance?limit=2").json()
        rest = program.get(f"/attendance?limit=2&cursor={first['next_cursor']}").json()
        assert len(first["punches"]) == 2
        assert [row["id"] for row in rest["punches"]] == [str(punches[0].uuid)]
        assert rest["next_cursor"] is None

    def test_refuses_a_moment_without_a_zone(self, program):
        assert problem(program.get("/attendance?from=2026-01-31T08:00:00")) == (422, "request_invalid")

    def test_takes_the_scope(self):
        assert problem(Program(Scope.ATTEMPTS_READ).get("/attendance")) == (403, "scope_missing")
