"""The pages of operators."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from security.roles.groups import roles_of
from security.roles.table import Role
from tests.support.operators import make_client, make_operator

pytestmark = pytest.mark.django_db
OPERATORS = "/site/operators/"


@pytest.fixture
def boss_client() -> Client:
    return make_client(Role.ADMINISTRATOR, name="boss")


@pytest.fixture
def desk() -> User:
    return make_operator(Role.RECEPTIONIST, name="desk")


class TestSite:
    def test_shows_each_role_its_own_sections(self, boss_client):
        assertContains(boss_client.get("/site/"), f'href="{OPERATORS}"')
        officer = make_client(Role.PRIVACY_OFFICER).get("/site/")
        assertContains(officer, 'href="/site/approvals/"')
        assertNotContains(officer, f'href="{OPERATORS}"')
        assertContains(make_client(Role.KIOSK).get("/site/"), "Nothing to set here")

    def test_is_linked_for_those_who_find_something_there(self, boss_client):
        assertContains(boss_client.get("/"), 'href="/site/"')
        assertNotContains(make_client(Role.RECEPTIONIST).get("/"), 'href="/site/"')


class TestList:
    def test_names_roles_and_the_last_sign_in(self, boss_client, desk):
        response = boss_client.get(OPERATORS)
        assertContains(response, "Receptionist")
        assertContains(response, "Never")

    def test_takes_the_same_queries_however_many_there_are(self, boss_client, desk):
        boss_client.get(OPERATORS)  # the sign-in is noted
        needed = []
        for number in range(3):
            make_operator(Role.MANAGER, name=f"manager-{number}")
            with CaptureQueriesContext(connection) as queries:
                boss_client.get(OPERATORS)
            needed.append(len(queries))
        assert len(set(needed)) == 1


class TestNewOperator:
    def test_shows_the_password_once(self, boss_client):
        response = boss_client.post(f"{OPERATORS}new/", {"username": "nora", "roles": ["Manager"]})
        assertContains(response, "One-time password")
        assert response["Cache-Control"] == "no-store"
        assert Client().login(username="nora", password=response.context["password"])
        assertNotContains(boss_client.get(OPERATORS), response.context["password"])

    @pytest.mark.parametrize(
        ("data", "sentence"),
        [
            ({"username": "Boss", "roles": ["Kiosk"]}, "Somebody has this name already"),
            ({"username": "two words", "roles": ["Kiosk"]}, "Enter a valid username"),
            ({"username": "nora"}, "Tick at least one role"),
            ({"username": "nora", "roles": ["King"]}, "King is not one of the available choices"),
        ],
    )
    def test_says_what_is_wrong(self, boss_client, data, sentence):
        assertContains(boss_client.post(f"{OPERATORS}new/", data), sentence, status_code=400)
        assert User.objects.count() == 1


class TestOperator:
    def page(self, operator: User) -> str:
        return f"{OPERATORS}{operator.pk}/"

    def test_saves_roles(self, boss_client, desk):
        data = {"do": "roles", "roles": ["Manager", "Privacy officer"]}
        assertRedirects(boss_client.post(self.page(desk), data), self.page(desk))
        assert roles_of(User.objects.get(pk=desk.pk)) == [Role.MANAGER, Role.PRIVACY_OFFICER]

    def test_deactivates_and_activates(self, boss_client, desk):
        boss_client.post(self.page(desk), {"do": "deactivate"})
        assertContains(boss_client.get(self.page(desk)), "cannot sign in now")
        boss_client.post(self.page(desk), {"do": "activate"})
        assert User.objects.get(pk=desk.pk).is_active

    def test_shows_a_new_password_once_and_resets_the_second_factor(self, boss_client, desk):
        response = boss_client.post(self.page(desk), {"do": "password"})
        assert Client().login(username="desk", password=response.context["password"])
        answer = boss_client.post(self.page(desk), {"do": "second_factor"}, follow=True)
        assertContains(answer, "with the password alone")

    def test_offers_nothing_about_one_s_own_login(self, boss_client):
        boss = User.objects.get(username="boss")
        assertNotContains(boss_client.get(self.page(boss)), 'name="do"')
        answer = boss_client.post(self.page(boss), {"do": "roles"}, follow=True)
        assertContains(answer, "Another administrator must change them")
        assert roles_of(boss) == [Role.ADMINISTRATOR]

    def test_that_does_not_exist_is_not_found(self, boss_client):
        assert boss_client.get(f"{OPERATORS}1000000/").status_code == 404

    def test_an_unknown_command_changes_nothing(self, boss_client, desk):
        assert boss_client.post(self.page(desk), {"do": "fly"}).status_code == 400
