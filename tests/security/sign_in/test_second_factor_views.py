"""The pages of the second factor, as a browser without scripts sees them."""

from __future__ import annotations

import re
from time import time

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from security.models import AuditEvent, FailedSignIns, SecondFactor
from security.sign_in import halfway, second_factor
from tests.security.sign_in.test_second_factor import code_of, turn_on

pytestmark = pytest.mark.django_db
PASSWORD = "operator-password"  # of the fixture `operator`


@pytest.fixture
def secret(operator) -> bytes:
    """Of the operator's app, which is on."""
    return turn_on(operator)[0]


def show_password(client: Client, *, page: str = "/accounts/login/", to: str = "/account/") -> str:
    """Where the login page leads after the right password."""
    response = client.post(page, {"username": "olivia", "password": PASSWORD, "next": to})
    assert response.status_code == 302
    return response.headers["Location"]


def is_signed_in(client: Client) -> bool:
    return client.get("/account/").status_code == 200


class TestCode:
    def test_the_password_alone_opens_nothing(self, client, secret):
        assert show_password(client) == "/accounts/login/code/?next=%2Faccount%2F"
        assert not is_signed_in(client)
        assert AuditEvent.objects.filter(action="operator.signed_in").count() == 0

    def test_the_code_leads_to_the_page_that_was_asked_for(self, client, secret):
        page = show_password(client)
        response = client.post(page, {"code": code_of(secret, steps=1)})
        assert response.headers["Location"] == "/account/"
        assert is_signed_in(client)
        assert AuditEvent.objects.get(action="operator.signed_in").facts["by"] == "password and code"

    def test_the_admin_is_no_way_around(self, client, operator, secret):
        User.objects.filter(pk=operator.pk).update(is_staff=True, is_superuser=True)
        page = show_password(client, page="/admin/login/", to="/admin/")
        assert page.startswith("/accounts/login/code/")
        assert client.get("/admin/").status_code == 302
        assert client.post(page, {"code": code_of(secret, steps=1)}).headers["Location"] == "/admin/"
        assert client.get("/admin/").status_code == 200

    def test_a_code_opens_one_browser_only(self, client, secret):
        code = code_of(secret, steps=1)
        client.post(show_password(client), {"code": code})
        other = Client()
        response = other.post(show_password(other), {"code": code})
        assert "This code does not count" in response.content.decode()
        assert not is_signed_in(other)

    def test_a_recovery_code_does_as_well(self, client, operator):
        _, codes = turn_on(operator)
        client.post(show_password(client), {"code": codes[0]})
        assert is_signed_in(client)
        assert "9 recovery codes left" in client.get("/account/").content.decode()

    def test_wrong_codes_are_limited_as_wrong_passwords_are(self, client, secret):
        page = show_password(client)
        answers = [client.post(page, {"code": "000000"}) for _ in range(6)]
        assert [answer.status_code for answer in answers] == [200] * 5 + [429]
        assert "Too many wrong codes. Try again in 30 seconds." in answers[-1].content.decode()
        assert int(answers[-1].headers["Retry-After"]) <= 30
        assert client.post(page, {"code": code_of(secret, steps=1)}).status_code == 429
        refused = Client().post("/accounts/login/", {"username": "olivia", "password": PASSWORD})
        assert refused.status_code == 429  # one count for both

    def test_a_right_password_between_them_forgets_no_wrong_codes(self, client, secret):
        for _ in range(4):
            client.post(show_password(client), {"code": "000000"})
        assert max(FailedSignIns.objects.exclude(failures=0).values_list("failures", flat=True)) == 4

    def test_the_session_holds_nothing_but_who_and_how(self, client, operator, secret):
        show_password(client)
        noted = dict(client.session)
        assert set(noted) == {halfway.KEY, "_session_expiry"}
        assert {**noted[halfway.KEY], "until": 0} == {"operator": operator.pk, "by": "password", "until": 0}

    def test_it_ends_after_ten_minutes(self, client, secret):
        page = show_password(client)
        session = client.session
        session[halfway.KEY] = {**session[halfway.KEY], "until": time() - 1}
        session.save()
        response = client.post(page, {"code": code_of(secret, steps=1)}, follow=True)
        assert response.redirect_chain == [("/accounts/login/?next=%2Faccount%2F", 302)]
        assert "Show your password once more" in response.content.decode()
        assert not is_signed_in(client)

    def test_somebody_who_was_deactivated_meanwhile_stays_out(self, client, operator, secret):
        page = show_password(client)
        User.objects.filter(pk=operator.pk).update(is_active=False)
        client.post(page, {"code": code_of(secret, steps=1)})
        assert not is_signed_in(client)

    def test_without_a_password_there_is_nothing_here(self, client, db):
        assert client.get("/accounts/login/code/").headers["Location"] == "/accounts/login/?next=%2F"

    def test_leads_to_no_other_site(self, client, secret):
        show_password(client)
        response = client.post("/accounts/login/code/?next=https://evil.example/", {"code": code_of(secret, steps=1)})
        assert response.headers["Location"] == "/"

    def test_somebody_else_may_begin_anew(self, client, secret):
        show_password(client)
        assert client.post("/accounts/login/leave/").headers["Location"] == "/accounts/login/"
        assert halfway.KEY not in client.session


class TestSetUp:
    def set_up(self, client: Client, operator: User, **fields: str):
        page = reverse("account:second_factor")
        shown = client.get(page).content.decode()
        assert "<svg" in shown and "otpauth://totp/" in shown
        secret = second_factor.begin_set_up(actor=operator)
        return client.post(page, {"code": code_of(secret), "password": PASSWORD} | fields)

    def test_shows_the_recovery_codes_once(self, operator_client, operator):
        shown = self.set_up(operator_client, operator).content.decode()
        assert len(re.findall(r"<li><code>[a-z2-7-]{19}</code>", shown)) == 10
        assert second_factor.is_on(operator)
        assert "10 recovery codes left" in operator_client.get("/account/").content.decode()

    def test_asks_for_the_password(self, operator_client, operator):
        shown = self.set_up(operator_client, operator, password="wrong").content.decode()
        assert "This is not your password." in shown
        assert not second_factor.is_on(operator)

    def test_a_wrong_code_is_told(self, operator_client, operator):
        assert "present code" in self.set_up(operator_client, operator, code="000000").content.decode()
        assert not second_factor.is_on(operator)

    def test_another_app_needs_a_code_of_the_first(self, operator_client, operator, secret):
        assert "Type the code of the app that you use now." in self.set_up(operator_client, operator).content.decode()
        refused = self.set_up(operator_client, operator, present_code="000000").content.decode()
        assert "This code does not count" in refused
        assert SecondFactor.objects.filter(confirmed=True).count() == 1
        done = self.set_up(operator_client, operator, present_code=code_of(secret, steps=1)).content.decode()
        assert "Your recovery codes" in done

    def test_the_page_is_for_who_is_signed_in(self, client, db):
        assert client.get("/account/second-factor/").status_code == 302

    def test_a_half_signed_in_operator_cannot_replace_the_app(self, client, operator, secret):
        show_password(client)
        client.post("/account/second-factor/", {"code": code_of(second_factor.begin_set_up(actor=operator))})
        second_factor.check_code(operator=operator, code=code_of(secret, steps=1))
        assert not is_signed_in(client)


class TestWhereTheSiteDemandsIt:
    @pytest.fixture(autouse=True)
    def demanded(self, settings) -> None:
        settings.FACESITE_SECOND_FACTOR = "required"

    def test_the_sign_in_leads_to_the_set_up_and_then_on(self, client, operator):
        page = show_password(client, to="/verification/")
        assert page == "/account/second-factor/?next=%2Fverification%2F"
        assert client.get("/verification/").status_code == 302
        assert "lets nobody in with a password alone" in client.get(page).content.decode()
        code = code_of(second_factor.begin_set_up(actor=operator))
        shown = client.post(page, {"code": code}).content.decode()
        assert 'href="/verification/">I have kept them' in shown
        assert is_signed_in(client)

    def test_a_sign_in_from_before_is_led_to_the_set_up_and_then_on(self, operator_client, operator):
        led = operator_client.get("/enrollment/people/?q=x")
        assert led.headers["Location"] == "/account/second-factor/?next=%2Fenrollment%2Fpeople%2F%3Fq%3Dx"
        assert operator_client.post("/enrollment/upload/").headers["Location"] == "/account/second-factor/?next=%2F"
        refused = operator_client.get("/enrollment/people/search.json")
        assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
        page = operator_client.get(led.headers["Location"]).content.decode()
        assert "lets nobody in with a password alone" in page
        assert "Log out" in page and "Not now" not in page
        fields = {"code": code_of(second_factor.begin_set_up(actor=operator)), "password": PASSWORD}
        shown = operator_client.post(led.headers["Location"], fields).content.decode()
        assert 'href="/enrollment/people/?q=x">I have kept them' in shown
        assert operator_client.get("/enrollment/people/").status_code == 200

    def test_whoever_will_not_may_log_out(self, operator_client):
        assert operator_client.post("/accounts/logout/").headers["Location"] == "/accounts/login/"

    def test_it_cannot_be_switched_off(self, operator_client, operator, secret):
        shown = operator_client.get("/account/second-factor/off/").content.decode()
        assert "cannot be switched off" in shown
        proof = {"password": PASSWORD, "code": code_of(secret, steps=1)}
        operator_client.post("/account/second-factor/off/", proof)
        assert second_factor.is_on(operator)

    def test_staff_alone_may_be_asked(self, client, operator, settings):
        settings.FACESITE_SECOND_FACTOR = "staff"
        User.objects.filter(pk=operator.pk).update(is_staff=False)
        assert show_password(client) == "/account/"


class TestSwitchOff:
    def test_asks_for_password_and_code(self, operator_client, operator, secret):
        page = reverse("account:second_factor_off")
        code = code_of(secret, steps=1)
        assert "not your password" in operator_client.post(page, {"password": "x", "code": code}).content.decode()
        refused = operator_client.post(page, {"password": PASSWORD, "code": "000000"})
        assert "does not count" in refused.content.decode()
        assert second_factor.is_on(operator)
        operator_client.post(page, {"password": PASSWORD, "code": code})
        assert not second_factor.is_on(operator)


class TestNewCodes:
    def test_are_shown_for_password_and_code(self, operator_client, operator, secret):
        proof = {"password": PASSWORD, "code": code_of(secret, steps=1)}
        shown = operator_client.post(reverse("account:recovery_codes"), proof).content.decode()
        assert len(re.findall(r"<li><code>[a-z2-7-]{19}</code>", shown)) == 10

    def test_there_are_none_without_a_second_factor(self, operator_client, operator):
        assert operator_client.get(reverse("account:recovery_codes")).headers["Location"] == "/account/"


class TestReset:
    def test_an_administrator_resets_it_on_the_operators_page(self, staff_client, operator, secret):
        page = reverse("security:operator", args=[operator.pk])
        assert staff_client.post(page, {"do": "second_factor"}).status_code == 302
        assert not second_factor.is_on(operator)
        assert show_password(Client()) == "/account/"
