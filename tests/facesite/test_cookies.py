"""Two sites on one host, each on a port of its own, in one browser: cookies know no ports."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from tests.support.server import Browser, LiveServer, running_server

HOME, LOGIN = "/", "/accounts/login/"


@pytest.fixture(scope="module")
def two_sites(models_dir) -> Iterator[tuple[LiveServer, LiveServer]]:
    """With one SECRET_KEY, as two clones have whose operator exported it: the harder case."""
    with ExitStack() as stack:
        first, second = (stack.enter_context(running_server(models_dir)) for _ in range(2))
        yield first, second


def form_token(page: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert found
    return found.group(1)


def sign_in(browser: Browser, page: str) -> tuple[int, str]:
    """Send the form of the page, as a browser does, whatever the cookies say now."""
    fields = {"username": browser.server.operator, "password": browser.server.password}
    return browser.post(LOGIN, csrfmiddlewaretoken=form_token(page), **fields)


class TestTwoSites:
    @pytest.fixture
    def browsers(self, two_sites) -> tuple[Browser, Browser]:
        """The same browser at either site."""
        first, second = (Browser(server) for server in two_sites)
        second.cookies, second.opener = first.cookies, first.opener
        return first, second

    def test_do_not_sign_each_other_out(self, browsers):
        for browser in browsers:
            browser.login(browser.server.operator, browser.server.password)
        for browser in browsers:
            assert "Signed in as" in browser.get(HOME)[1]

    def test_leave_each_others_open_forms_alone(self, browsers):
        first, second = browsers
        opened_before = first.get(LOGIN)[1]
        second.login(second.server.operator, second.server.password)
        status, page = sign_in(first, opened_before)
        assert (status, "Signed in as" in page) == (200, True)
        assert "Signed in as" in second.get(HOME)[1]

    def test_signing_out_of_one_leaves_the_other(self, browsers):
        first, second = browsers
        for browser in browsers:
            browser.login(browser.server.operator, browser.server.password)
        page = first.get(HOME)[1]
        first.post("/accounts/logout/", csrfmiddlewaretoken=form_token(page))
        assert "Signed in as" not in first.get(HOME)[1]
        assert "Signed in as" in second.get(HOME)[1]


@pytest.mark.django_db
class TestUsualNames:
    """What scripts that know Django do: read `csrftoken`, send it back."""

    def test_a_script_finds_the_token_under_its_usual_name(self, operator):
        client = Client(enforce_csrf_checks=True)
        client.get(LOGIN)
        form = {"username": "olivia", "password": "operator-password", "csrfmiddlewaretoken": ""}
        form["csrfmiddlewaretoken"] = client.cookies["csrftoken"].value
        assert client.post(LOGIN, form).status_code == 302
        assert settings.SESSION_COOKIE_NAME in client.cookies
        assert client.cookies["csrftoken"].value == client.cookies[settings.CSRF_COOKIE_NAME].value  # the new one

    def test_a_script_may_send_it_alone(self, operator):
        client = Client(enforce_csrf_checks=True)
        token = client.get(LOGIN).cookies["csrftoken"].value
        client.cookies.clear()
        client.cookies["csrftoken"] = token
        form = {"username": "olivia", "password": "operator-password", "csrfmiddlewaretoken": token}
        assert client.post(LOGIN, form).status_code == 302

    def test_the_copy_follows_the_sites_own_cookie(self, operator):
        client = Client(enforce_csrf_checks=True)
        client.get(LOGIN)
        client.cookies["csrftoken"] = "x" * 32  # the site next door was here
        client.get(LOGIN)
        assert client.cookies["csrftoken"].value == client.cookies[settings.CSRF_COOKIE_NAME].value

    def test_another_sites_token_is_none_here(self, operator):
        client = Client(enforce_csrf_checks=True)
        client.get(LOGIN)
        client.cookies["csrftoken"] = "x" * 32
        form = {"username": "olivia", "password": "operator-password", "csrfmiddlewaretoken": "x" * 32}
        assert client.post(LOGIN, form).status_code == 403

    def test_no_cookie_at_all_is_refused(self, operator):
        form = {"username": "olivia", "password": "operator-password", "csrfmiddlewaretoken": "x" * 32}
        assert Client(enforce_csrf_checks=True).post(LOGIN, form).status_code == 403


@pytest.mark.django_db
class TestMessages:
    def test_wait_under_the_sites_own_name(self, staff_client):
        add = reverse("admin:verification_verificationpolicy_add")
        answer = staff_client.post(add, {"fmr": "0.001", "liveness": "off"})
        assert "messages" not in answer.cookies
        assert answer.cookies[f"messages_{settings.SITE_MARK}"].value
        staff_client.get(answer.url)
        assert not staff_client.cookies[f"messages_{settings.SITE_MARK}"].value
