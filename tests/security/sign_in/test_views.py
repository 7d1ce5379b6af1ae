"""The login page, the account page and the password page, as a browser sees them."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from security.audit.actions import Action
from security.models import AuditEvent, KnownAddress, SignIn
from security.roles.groups import give_roles
from security.roles.table import Role
from security.sign_in.limits import ACCOUNT, AT_KNOWN_ADDRESS
from security.sign_in.one_time import issue_one_time_password
from security.sign_in.sessions import idle_limit, lifetime
from tests.conftest import signed_in

pytestmark = pytest.mark.django_db
LOGIN, ACCOUNT_PAGE, PASSWORD_PAGE, END = (
    "/accounts/login/",
    "/account/",
    "/account/password/",
    "/account/sign-ins/end/",
)
PASSWORD = "operator-password"
NEW = "a-longer-new-password"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"


def try_to_sign_in(client: Client, password: str, page: str = LOGIN, **extra: str):
    return client.post(page, {"username": "olivia", "password": password, **extra})


class TestSignIn:
    def test_leads_on_to_the_page_that_was_asked_for(self, client, operator):
        response = client.post(f"{LOGIN}?next=/enrollment/people/", {"username": "olivia", "password": PASSWORD})
        assertRedirects(response, "/enrollment/people/", fetch_redirect_response=False)
        assert client.get("/enrollment/people/").status_code == 200

    def test_is_written_down_with_browser_address_and_time(self, operator):
        client = Client(REMOTE_ADDR="192.0.2.7", HTTP_USER_AGENT=FIREFOX)
        try_to_sign_in(client, PASSWORD)
        sign_in = SignIn.objects.get()
        assert (sign_in.operator, sign_in.address, sign_in.browser) == (operator, "192.0.2.7", "Firefox on Windows")
        assert AuditEvent.objects.get(action=Action.SIGNED_IN).target == f"operator:{operator.pk}"
        assert KnownAddress.objects.filter(operator=operator).count() == 1

    def test_a_wrong_password_is_told_in_words(self, client, operator):
        assertContains(
            try_to_sign_in(client, "wrong"), "Please enter a correct username and password. Capital letters count."
        )

    @pytest.mark.parametrize("page", [LOGIN, "/admin/login/"])
    def test_too_many_are_429_with_a_sentence_and_retry_after(self, client, operator, page):
        for _ in range(ACCOUNT.free):
            assert try_to_sign_in(client, "wrong", page).status_code == 200
        refused = try_to_sign_in(client, PASSWORD, page)
        assertContains(refused, "Too many wrong passwords. Try again in 30 seconds.", status_code=429)
        assert refused.headers["Retry-After"] == "30"

    def test_pages_and_admin_count_together(self, client, operator):
        for number in range(ACCOUNT.free):
            try_to_sign_in(client, "wrong", [LOGIN, "/admin/login/"][number % 2])
        assert try_to_sign_in(client, PASSWORD).status_code == 429

    def test_behind_a_proxy_strangers_delay_nobody_else(self, settings, operator):
        settings.FACESITE_HTTPS = "proxy"
        home = Client(HTTP_X_FORWARDED_FOR="192.0.2.7")
        assert try_to_sign_in(home, PASSWORD).status_code == 302
        for number in range(20):
            try_to_sign_in(Client(HTTP_X_FORWARDED_FOR=f"192.0.2.7, 198.51.100.{number}"), "wrong")
        assert try_to_sign_in(Client(HTTP_X_FORWARDED_FOR="203.0.113.1"), PASSWORD).status_code == 429
        assert try_to_sign_in(Client(HTTP_X_FORWARDED_FOR="192.0.2.7"), PASSWORD).status_code == 302

    def test_forgets_the_failures_before_it(self, client, operator):
        for _ in range(2):
            try_to_sign_in(client, PASSWORD)  # the address is known from the first time on
            client.logout()
            for _ in range(AT_KNOWN_ADDRESS.free - 1):
                assert try_to_sign_in(client, "wrong").status_code == 200

    def test_another_operator_in_the_same_browser_takes_nothing_over(self, operator, staff):
        client = signed_in(staff)
        client.logout()
        try_to_sign_in(client, PASSWORD)
        assert SignIn.objects.get().operator == operator


class TestAdminsLogin:
    def test_is_the_same_page(self, client):
        page = client.get("/admin/login/?next=/admin/")
        assert "registration/login.html" in {template.name for template in page.templates}

    def test_leads_to_the_admin(self, client, staff):
        response = client.post("/admin/login/", {"username": "stefan", "password": "staff-password"})
        assertRedirects(response, "/admin/")

    def test_sends_nobody_back_and_forth_who_may_not_use_it(self, operator_client, operator):
        give_roles(operator, [Role.RECEPTIONIST])
        assertRedirects(operator_client.get("/admin/"), "/admin/login/?next=/admin/", target_status_code=403)

    def test_its_page_for_passwords_is_everybodys(self, staff_client):
        assertRedirects(staff_client.get("/admin/password_change/"), PASSWORD_PAGE)

    def test_its_logout_is_written_down_too(self, staff_client):
        assert staff_client.post("/admin/logout/").status_code == 302
        assert AuditEvent.objects.filter(action=Action.SIGNED_OUT).count() == 1


class TestSignOut:
    def test_ends_the_session_and_is_written_down(self, operator, operator_client):
        assertRedirects(operator_client.post("/accounts/logout/"), LOGIN)
        assert AuditEvent.objects.get(action=Action.SIGNED_OUT).actor == f"operator:{operator.pk}"
        assert not SignIn.objects.exists()

    def test_without_a_sign_in_writes_nothing(self, client):
        client.post("/accounts/logout/")
        assert not AuditEvent.objects.exists()


class TestEndedByItself:
    @pytest.mark.parametrize(
        ("facts", "sentence"),
        [
            ({"unused": idle_limit}, "You were signed out because nobody used this for 2 hours."),
            ({"begun": lifetime}, "You were signed out because a sign-in lasts 12 hours at most."),
        ],
        ids=["idle", "lifetime"],
    )
    def test_the_login_page_says_why(self, operator_client, facts, sentence):
        now, more = timezone.now(), timedelta(seconds=5)
        unused = facts["unused"]() + more if "unused" in facts else timedelta()
        begun = facts["begun"]() + more if "begun" in facts else unused
        SignIn.objects.update(last_used_at=now - unused, began_at=now - begun)
        operator_client.get("/enrollment/people/search.json")  # a script that asks meanwhile takes nothing away
        page = operator_client.get("/", follow=True)
        assertContains(page, sentence)
        assert page.redirect_chain == [(f"{LOGIN}?next=/", 302)]

    def test_nothing_else_is_open_then(self, operator_client):
        SignIn.objects.update(last_used_at=timezone.now() - idle_limit() - timedelta(seconds=5))
        for path in ("/", ACCOUNT_PAGE, "/enrollment/people/", "/admin/"):
            assert operator_client.get(path).status_code == 302
        assertNotContains(operator_client.get("/nowhere/"), "olivia", status_code=404)

    def test_a_new_sign_in_is_a_new_session(self, operator_client):
        before = operator_client.session.session_key
        SignIn.objects.update(last_used_at=timezone.now() - idle_limit() - timedelta(seconds=5))
        try_to_sign_in(operator_client, PASSWORD)
        assert operator_client.get("/").status_code == 200
        assert SignIn.objects.get().session_id == operator_client.session.session_key != before


class TestAccountPage:
    def test_needs_a_login(self, client):
        assertRedirects(client.get(ACCOUNT_PAGE), f"{LOGIN}?next={ACCOUNT_PAGE}")

    def test_shows_where_the_operator_is_signed_in(self, operator, operator_client, staff):
        signed_in(staff)
        Client(REMOTE_ADDR="198.51.100.1", HTTP_USER_AGENT=FIREFOX).post(
            LOGIN, {"username": "olivia", "password": PASSWORD}
        )
        page = operator_client.get(ACCOUNT_PAGE)
        assertContains(page, "Firefox on Windows")
        assertContains(page, "198.51.100.1")
        assertContains(page, "this one", count=1)
        assertContains(page, 'name="sign_in"', count=1)

    def test_is_reached_from_every_page(self, operator_client):
        assertContains(operator_client.get("/"), f'href="{ACCOUNT_PAGE}"')

    def test_ends_one_sign_in(self, operator, operator_client):
        other = signed_in(operator)
        chosen = SignIn.objects.get(session_id=other.session.session_key)
        page = operator_client.post(END, {"sign_in": chosen.pk}, follow=True)
        assertContains(page, "That sign-in has ended.")
        assert other.get("/").status_code == 302
        assert operator_client.get("/").status_code == 200

    def test_ends_all_others(self, operator, operator_client):
        others = [signed_in(operator), signed_in(operator)]
        page = operator_client.post(END, follow=True)
        assertContains(page, "Signed out in 2 other browsers.")
        assert [other.get("/").status_code for other in others] == [302, 302]
        assert AuditEvent.objects.get(action=Action.SIGN_INS_ENDED).facts == {"sign_ins": 2}

    def test_ends_nobody_elses(self, operator_client, staff):
        theirs = signed_in(staff)
        chosen = SignIn.objects.get(session_id=theirs.session.session_key)
        operator_client.post(END, {"sign_in": chosen.pk})
        assert theirs.get("/").status_code == 200


class TestPasswordPage:
    def change(self, client: Client, old: str = PASSWORD, new: str = NEW, again: str = NEW):
        fields = {"old_password": old, "new_password1": new, "new_password2": again}
        return client.post(PASSWORD_PAGE, fields, follow=True)

    def test_changes_it_and_this_browser_stays_signed_in(self, operator, operator_client):
        other, began = signed_in(operator), SignIn.objects.earliest("pk").began_at
        assertContains(self.change(operator_client), "Your password was changed.")
        assert User.objects.get(pk=operator.pk).check_password(NEW)
        assert other.get("/").status_code == 302
        assert abs(SignIn.objects.get().began_at - began) < timedelta(seconds=60)
        assert Session.objects.count() == 1

    def test_does_not_prolong_the_sign_in(self, operator_client):
        hour_ago = timezone.now() - timedelta(hours=1)
        SignIn.objects.update(began_at=hour_ago)
        self.change(operator_client)
        assert SignIn.objects.get().began_at == hour_ago

    def test_asks_for_the_old_one(self, operator, operator_client):
        assertContains(self.change(operator_client, old="wrong"), "This is not your present password.")
        assert User.objects.get(pk=operator.pk).check_password(PASSWORD)

    def test_is_no_place_to_guess_the_old_one(self, operator_client):
        for _ in range(ACCOUNT.free):
            self.change(operator_client, old="wrong")
        refused = self.change(operator_client, old=PASSWORD)
        assertContains(refused, "Too many wrong passwords. Try again in 30 seconds.", status_code=429)

    def test_says_what_is_wrong_with_a_new_one(self, operator_client):
        assertContains(self.change(operator_client, new="12345678", again="12345678"), "This password is too common.")
        assertContains(self.change(operator_client, again="different-again-9"), "match")


class TestFirstPassword:
    @pytest.fixture
    def owing(self, operator) -> Client:
        """Signed in with a one-time password."""
        client = Client()
        self.password = issue_one_time_password(actor=None, operator=operator)
        response = client.post(LOGIN, {"username": "olivia", "password": self.password, "next": "/enrollment/people/"})
        assertRedirects(response, f"{PASSWORD_PAGE}?next=%2Fenrollment%2Fpeople%2F")
        return client

    @pytest.mark.parametrize("path", ["/", "/verification/", "/enrollment/people/?q=x", ACCOUNT_PAGE])
    def test_every_page_leads_to_its_choice(self, owing, path):
        response = owing.get(path)
        assert response.status_code == 302
        assert response.url.startswith(f"{PASSWORD_PAGE}?next=")
        assertContains(owing.get(response.url), "Choose your own password")

    def test_so_does_the_admin(self, staff):
        client = Client()
        password = issue_one_time_password(actor=None, operator=staff)
        client.post("/admin/login/", {"username": "stefan", "password": password})
        for path in ("/admin/", "/admin/auth/user/"):
            assert client.get(path).headers["Location"].startswith(PASSWORD_PAGE)

    def test_nothing_is_carried_out_before(self, owing, operator):
        response = owing.post("/enrollment/upload/", {"name": "Somebody"})
        assert response.url.startswith(PASSWORD_PAGE)

    @pytest.mark.parametrize(
        ("path", "headers"),
        [("/enrollment/people/search.json", {}), ("/", {"Accept": "application/json"})],
        ids=["by name", "by header"],
    )
    def test_scripts_get_a_403_with_the_reason(self, owing, path, headers):
        response = owing.get(path, headers=headers)
        assert response.status_code == 403
        assert response.json()["code"] == "not_allowed"
        assert "Choose your own password first" in response.json()["message"]

    def test_health_and_logout_stay_open(self, owing):
        assert owing.get("/healthz").status_code == 200
        assertRedirects(owing.post("/accounts/logout/"), LOGIN)

    def test_then_the_operator_goes_on_to_where_the_way_led(self, owing, operator):
        fields = {"new_password1": NEW, "new_password2": NEW}
        response = owing.post(f"{PASSWORD_PAGE}?next=/enrollment/people/", fields)
        assertRedirects(response, "/enrollment/people/")
        assert User.objects.get(pk=operator.pk).check_password(NEW)

    def test_never_leads_to_another_site(self, owing):
        fields = {"new_password1": NEW, "new_password2": NEW}
        response = owing.post(f"{PASSWORD_PAGE}?next=https://example.org/", fields)
        assertRedirects(response, "/")

    def test_may_not_be_the_one_time_password(self, owing):
        fields = {"new_password1": self.password, "new_password2": self.password}
        assertContains(owing.post(PASSWORD_PAGE, fields), "This is the one-time password. Choose another one.")

    def test_the_one_time_password_does_not_sign_in_again_and_the_page_says_what_to_do(self, owing):
        again = try_to_sign_in(Client(), self.password)
        assertContains(again, "This one-time password was used already.")
        assertContains(again, "manage.py create_first_operator --again")

    def test_a_browser_that_was_closed_can_come_back_with_its_cookie(self, owing):
        assert re.search("Choose your own password", owing.get(PASSWORD_PAGE).content.decode())
