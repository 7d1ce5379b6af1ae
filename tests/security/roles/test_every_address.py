"""Every page, socket and model of the admin for everybody, by real requests, against the tables of docs/security.md."""

from __future__ import annotations

import re
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.apps import apps
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpResponse
from django.test import Client

from attendance.kiosks.cookies import cookie_name
from enrollment.models import Person
from security.roles.table import Role
from tests.support.ids import NOBODY
from tests.support.kiosks import device_socket, paired_kiosk
from tests.support.operators import make_operator
from tests.support.role_table import WHO, Row, routes, rows
from tests.support.sockets import communicator
from tests.verification.rows import make_attempt, make_person
from verification.models import FalseMatch, InboxAction, UnknownPolicy, VerificationAttempt, VerificationPolicy

MODEL = re.compile(r"^/admin/\w+/\w+/")
DATA: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/enrollment/people/<uuid:uuid>/"): {"name": "Ada", "external_id": ""},
    ("POST", "/verification/calibration/"): {"fmr": "0.0001", "liveness": "required"},
}
"""Bodies without which a POST ends before the service is asked."""
IN_THE_ADMIN = (("see", "GET", ""), ("see", "GET", "{pk}/history/"), ("see", "GET", "{pk}/change/"))
CHANGES = (("add", "GET", "add/"), ("change", "POST", "{pk}/change/"), ("erase", "GET", "{pk}/delete/"))


def user_for(who: str) -> User | None:
    if who == "signed out":
        return None
    return make_operator(*([] if who == "no role" else [Role(who)]))


def send(user: User | None, method: str, path: str, data: dict[str, Any] | None = None) -> Any:
    """One request whose changes are taken back."""
    client = Client(raise_request_exception=False)
    with transaction.atomic():
        if user:
            client.force_login(user)
        answer = client.post(path, data or {}) if method == "POST" else client.get(path)
        transaction.set_rollback(True)
    return answer


def passed(answer: HttpResponse) -> bool:
    """Neither refused nor sent to sign in. What is not there is 404, but only for those who may ask."""
    assert answer.status_code < 500 or answer.status_code == 503, answer  # 503: the probe, while nothing is warm
    to_sign_in = answer.status_code == 302 and "/login/?next=" in answer.headers["Location"]
    return not to_sign_in and answer.status_code not in (401, 403)


QUERY = {"/verification/attempts/export.csv": "?since=yesterday"}
"""A complaint about the filter is an answer too; the stream itself would close this thread's database."""


def path_of(route: str, person: Person, attempt: VerificationAttempt) -> str:
    uuid = {"people": person.uuid, "attempts": attempt.uuid}.get(
        route.split("/")[2] if route.count("/") > 2 else "", NOBODY
    )
    path = re.sub(r"<uuid:\w+>", str(uuid), route)
    path = path.replace("<app_label>", "enrollment").replace("<url>", "nothing-here/")
    return re.sub(r"<(\w+:)?\w+>", "1000000", path) + QUERY.get(route, "")


@pytest.fixture
def person(db) -> Person:
    return make_person("Ada")


@pytest.fixture
def attempt(person) -> VerificationAttempt:
    return make_attempt(matched_person=person)


@pytest.fixture
def a_row_of_each_model(person, attempt) -> None:
    FalseMatch.objects.create(attempt=attempt, person=person)
    InboxAction.objects.create(kind="assign", person=person, face_count=2)
    UnknownPolicy.objects.create(keep=True, days=3)
    VerificationPolicy.objects.create(fmr="0.001")


class TestTheTable:
    def test_has_a_row_for_every_address(self):
        written = {row.route for row in rows("GET", "POST", "ADMIN", "API")}
        missing = {route for route, _ in routes() if (found := MODEL.match(route)) is None or found[0] not in written}
        assert missing - written == set(), "Add a row for each to docs/security.md"

    def test_has_no_row_for_what_is_gone(self):
        there = {route for route, _ in routes()}
        assert {row.route for row in rows("GET", "POST", "ADMIN", "API")} - there == set()

    def test_has_a_row_for_every_socket(self):
        from attendance.routing import websocket_urlpatterns as attendance_sockets
        from enrollment.routing import websocket_urlpatterns as enrollment_sockets
        from verification.routing import websocket_urlpatterns as verification_sockets

        there = {f"/{entry.pattern}" for entry in (*attendance_sockets, *enrollment_sockets, *verification_sockets)}
        assert {row.route for row in rows("SOCKET")} == there


@pytest.mark.parametrize("who", WHO)
class TestEverybody:
    def test_may_do_on_pages_what_the_table_says_and_nothing_else(self, who, person, attempt, engine):
        user = user_for(who)
        for row in rows("GET", "POST"):
            answer = send(user, row.method, path_of(row.route, person, attempt), DATA.get((row.method, row.route)))
            assert passed(answer) == (row.cells[who] == "yes"), (who, row.method, row.route, answer.status_code)

    def test_may_do_in_the_admin_what_the_table_says_and_nothing_else(self, who, a_row_of_each_model):
        user = user_for(who)
        for row in rows("ADMIN"):
            allowed = done_in_the_admin(user, row)
            assert ", ".join(allowed) == ("" if row.cells[who] == "no" else row.cells[who]), (who, row.route)

    @pytest.mark.django_db(transaction=True)
    async def test_may_open_the_sockets_that_the_table_says(self, who, engine):
        user = await sync_to_async(user_for)(who)
        for row in rows("SOCKET"):
            socket = await communicator(row.route, user)
            await socket.connect()
            first = await socket.receive_output()
            greeted = '"hello"' in first.get("text", "")
            assert greeted == (row.cells[who] == "yes"), (who, row.route, first)
            if row.route == "/ws/kiosk/":  # no login counts there
                assert first["code"] == 4401
            elif who not in ("signed out",) and not greeted:
                assert '"not_allowed"' in first["text"]
                assert (await socket.receive_output())["code"] == 4403
            await socket.disconnect()


def done_in_the_admin(user: User | None, row: Row) -> list[str]:
    """What of see, add, change and erase works. Each must work, or be refused, at all of its addresses."""
    _, _, label, name, _ = row.route.split("/")
    first = apps.get_model(label, name)._default_manager.first()
    worked: dict[str, set[bool]] = {}
    for what, method, path in (*IN_THE_ADMIN, *CHANGES):
        if "{pk}" in path and first is None and "history" in path:
            continue  # the admin looks for the row before it asks for the right
        answer = send(user, method, row.route + path.format(pk=first.pk if first else 1))
        worked.setdefault(what, set()).add(passed(answer))
    assert all(len(answers) == 1 for answers in worked.values()), (row.route, worked)
    return [what for what, answers in worked.items() if answers == {True}]


@pytest.mark.django_db
def test_a_superuser_is_an_administrator(person, attempt, engine):
    boss = User.objects.create_superuser("boss")
    for row in rows("GET", "POST"):
        answer = send(boss, row.method, path_of(row.route, person, attempt), DATA.get((row.method, row.route)))
        assert passed(answer) == (row.cells[Role.ADMINISTRATOR.value] == "yes"), (row.method, row.route)


@pytest.mark.django_db
def test_a_kiosks_token_opens_no_page_but_its_own(person, attempt, engine):
    """Whatever is not for everybody is refused, as if nobody had sent anything."""
    _, token = paired_kiosk()
    device = Client(raise_request_exception=False)
    device.cookies[cookie_name()] = token
    assert "Front door" in device.get("/kiosk/").content.decode()
    for row in rows("GET", "POST"):
        path = path_of(row.route, person, attempt)
        answer: Any = device.post(path, {}) if row.method == "POST" else device.get(path)
        assert passed(answer) == (row.cells["signed out"] == "yes"), (row.method, row.route, answer.status_code)
    for row in rows("API"):
        (method,) = row.cells
        path = path_of(row.route.replace("uuidstr:", "uuid:"), person, attempt)
        answer = device.generic(method, path, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401, (method, row.route)


@pytest.mark.django_db(transaction=True)
async def test_a_kiosks_token_opens_no_socket_but_its_own(engine):
    _, token = await sync_to_async(paired_kiosk)()
    for row in rows("SOCKET"):
        socket = device_socket(token, row.route)
        await socket.connect()
        first = await socket.receive_output()
        assert ('"hello"' in first.get("text", "")) == (row.route == "/ws/kiosk/"), row.route
        await socket.disconnect()
