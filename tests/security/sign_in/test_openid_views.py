"""Whole sign-ins through a real OpenID provider, which runs in a process of its own."""

from __future__ import annotations

import socket
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

from security.models import AuditEvent, OpenIdentity
from security.roles.groups import roles_of
from security.roles.table import Role
from security.sign_in import openid_calls
from tests.security.sign_in.test_second_factor import code_of, turn_on
from tests.support.openid import running_provider
from tests.support.server import Browser, running_server

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def forgotten_addresses() -> None:
    """No test uses what another one was told by a provider."""
    cache.clear()


@pytest.fixture
def provider(openid_client, settings):
    """provider(create=True, ...) changes what the site wants of it."""
    settings.FACESITE_OIDC = openid_client

    def change(**changes):
        settings.FACESITE_OIDC = replace(openid_client, **changes)

    return change


def set_out(client: Client, to: str = "/account/") -> str:
    """Where the login page's button leads."""
    response = client.get("/accounts/openid/", {"next": to})
    assert response.status_code == 302
    return response.headers["Location"]


def sign_in(client: Client, openid_provider, subject: str | None = "o-1", **changes: str):
    back = openid_provider.sign_in(set_out(client), subject, **changes)
    assert back.startswith("http://testserver/accounts/openid/callback/?")
    return client.get(back)


def sentence(client: Client, response) -> str:
    """What the login page says after a sign-in that failed."""
    assert response.headers["Location"].startswith("/accounts/login/")
    page = client.get(response.headers["Location"]).content.decode()
    assert "_auth_user_id" not in client.session
    return page.partition('role="status">')[2].partition("<div>")[2].partition("</div>")[0].strip()


class TestSigningIn:
    def test_leads_to_the_page_that_was_asked_for(self, client, operator, openid_provider, provider):
        response = sign_in(client, openid_provider)
        assert response.headers["Location"] == "/account/"
        assert client.get("/account/").status_code == 200
        assert AuditEvent.objects.get(action="operator.signed_in").facts["by"] == "openid"
        assert AuditEvent.objects.get(action="operator.linked").target == f"operator:{operator.pk}"

    def test_asks_for_everything_that_makes_it_safe(self, client, provider):
        query = parse_qs(urlsplit(set_out(client)).query)
        assert query["response_type"] == ["code"]
        assert query["code_challenge_method"] == ["S256"]
        assert query["redirect_uri"] == ["http://testserver/accounts/openid/callback/"]
        assert all(len(query[name][0]) >= 40 for name in ("state", "nonce", "code_challenge"))

    def test_knows_somebody_again_under_another_name(self, client, operator, openid_provider, provider):
        sign_in(client, openid_provider)
        openid_provider.add_person("o-1", preferred_username="olivia.married")
        other = Client()
        sign_in(other, openid_provider)
        assert other.session["_auth_user_id"] == str(operator.pk)
        openid_provider.add_person("o-1", preferred_username="olivia", groups=["desk"])

    def test_leads_to_no_other_site(self, client, operator, openid_provider, provider):
        back = openid_provider.sign_in(set_out(client, "https://evil.example/"), "o-1")
        assert client.get(back).headers["Location"] == "/"

    def test_the_second_factor_is_asked_for_all_the_same(self, client, operator, openid_provider, provider):
        secret, _ = turn_on(operator)
        response = sign_in(client, openid_provider)
        assert response.headers["Location"] == "/accounts/login/code/?next=%2Faccount%2F"
        assert client.get("/account/").status_code == 302
        client.post(response.headers["Location"], {"code": code_of(secret, steps=1)})
        assert client.get("/account/").status_code == 200
        assert AuditEvent.objects.get(action="operator.signed_in").facts["by"] == "openid and code"
        end = client.post("/accounts/logout/").context["address"]
        assert end.startswith(f"{openid_provider.issuer}/oauth2/end_session?client_id=")

    def test_where_the_site_demands_a_second_factor_it_is_set_up_first(
        self, client, operator, openid_provider, provider, settings
    ):
        settings.FACESITE_SECOND_FACTOR = "required"
        assert sign_in(client, openid_provider).headers["Location"].startswith("/account/second-factor/")

    def test_unless_the_provider_says_that_it_asked_for_one(
        self, client, operator, openid_provider, provider, settings
    ):
        settings.FACESITE_SECOND_FACTOR = "required"
        openid_provider.add_person("o-mfa", preferred_username="olivia", amr=["pwd", "mfa"])
        assert sign_in(client, openid_provider, "o-mfa").headers["Location"] == "/account/"
        assert client.get("/account/").status_code == 200

    def test_signing_out_ends_the_session_there_too(self, client, operator, openid_provider, provider):
        sign_in(client, openid_provider)
        page = client.post("/accounts/logout/")
        assert "_auth_user_id" not in client.session
        address = page.context["address"]
        assert address.startswith(f"{openid_provider.issuer}/oauth2/end_session?")
        query = parse_qs(urlsplit(address).query)
        assert query["post_logout_redirect_uri"] == ["http://testserver/accounts/login/"]
        assert query["id_token_hint"][0].count(".") == 2
        assert f'content="0; url={page.context["address"].replace("&", "&amp;")}"' in page.content.decode()

    def test_local_passwords_go_on(self, client, operator, provider):
        page = client.get("/accounts/login/?next=/account/").content.decode()
        assert 'href="/accounts/openid/?next=%2Faccount%2F"' in page
        assert "Log in with Example Ltd" in page
        client.post("/accounts/login/", {"username": "olivia", "password": "operator-password"})
        assert client.get("/account/").status_code == 200
        assert client.post("/accounts/logout/").status_code == 302

    def test_the_password_form_may_be_folded_away(self, client, operator, provider, settings):
        settings.FACESITE_FOLD_PASSWORDS = True
        page = client.get("/accounts/login/").content.decode()
        assert "<summary>Log in with a password</summary>" in page
        wrong = client.post("/accounts/login/", {"username": "olivia", "password": "wrong"}).content.decode()
        assert "<summary>" not in wrong  # what was wrong is in sight

    def test_without_a_provider_there_is_no_such_page(self, client, db, settings):
        settings.FACESITE_OIDC = None
        assert client.get("/accounts/openid/").status_code == 404
        assert "openid" not in client.get("/accounts/login/").content.decode()


class TestWhatIsNotTrusted:
    def test_a_token_for_another_journey(self, client, operator, openid_provider, provider):
        said = sentence(client, sign_in(client, openid_provider, nonce="somebody-elses"))
        assert said.startswith("The answer of Example Ltd cannot be trusted, so nobody was logged in.")

    def test_a_code_that_somebody_else_asked_for(self, client, operator, openid_provider, provider):
        said = sentence(client, sign_in(client, openid_provider, code_challenge="x" * 43))
        assert said == "Example Ltd did not accept this login. Begin again, or log in with a password."

    def test_an_answer_to_another_browser(self, client, operator, openid_provider, provider):
        back = openid_provider.sign_in(set_out(Client()), "o-1")
        set_out(client)
        assert "begun in another window" in sentence(client, client.get(back))

    def test_an_answer_that_nobody_asked_for(self, client, db, provider):
        response = client.get("/accounts/openid/callback/?code=x&state=y")
        assert "begun in another window" in sentence(client, response)

    def test_the_same_answer_twice(self, client, operator, openid_provider, provider):
        back = openid_provider.sign_in(set_out(client), "o-1")
        client.get(back)
        client.post("/accounts/logout/")
        assert "begun in another window" in sentence(client, client.get(back))

    def test_the_answer_of_another_provider(self, client, operator, openid_provider, provider):
        back = openid_provider.sign_in(set_out(client), "o-1")
        response = client.get(f"{back}&iss=https://evil.example")
        assert "cannot be trusted" in sentence(client, response)

    def test_an_answer_after_ten_minutes(self, client, operator, openid_provider, provider, monkeypatch):
        back = openid_provider.sign_in(set_out(client), "o-1")
        session = client.session
        session["openid_journey"] = {**session["openid_journey"], "until": 1.0}
        session.save()
        assert "more than ten minutes ago" in sentence(client, client.get(back))

    def test_a_wrong_secret(self, client, operator, openid_provider, provider):
        provider(client_secret="wrong")
        assert "did not accept this login" in sentence(client, sign_in(client, openid_provider))

    def test_a_token_that_has_expired(self, client, operator, openid_client, settings, tmp_path):
        with running_provider(tmp_path / "log", token_age=-120) as late:
            settings.FACESITE_OIDC = replace(openid_client, issuer=late.issuer)
            late.add_person("o-1", preferred_username="olivia")
            assert "cannot be trusted" in sentence(client, sign_in(client, late))

    def test_somebody_who_turned_back(self, client, openid_provider, provider, db):
        said = sentence(client, sign_in(client, openid_provider, None))
        assert said == "Example Ltd did not let you in, or you turned back. Nobody was logged in."


class TestWhoMayComeIn:
    def test_not_somebody_whom_nobody_knows_here(self, client, db, openid_provider, provider):
        openid_provider.add_person("n-1", preferred_username="nora")
        said = sentence(client, sign_in(client, openid_provider, "n-1"))
        assert said == ("Example Ltd knows you as nora, but nobody here has that user name. Ask an administrator.")
        assert not User.objects.exists()

    def test_unless_the_site_allows_it(self, client, db, openid_provider, provider):
        provider(create=True)
        openid_provider.add_person("n-1", preferred_username="nora")
        sign_in(client, openid_provider, "n-1")
        nora = User.objects.get()
        assert (nora.username, nora.has_usable_password(), roles_of(nora)) == ("nora", False, [])
        assert client.session["_auth_user_id"] == str(nora.pk)
        assert [event.action for event in AuditEvent.objects.order_by("number")] == [
            "operator.created",
            "operator.linked",
            "operator.signed_in",
        ]

    def test_with_exactly_the_roles_of_the_groups_there(self, client, operator, openid_provider, provider):
        provider(roles={"desk": Role.RECEPTIONIST, "privacy": Role.PRIVACY_OFFICER})
        sign_in(client, openid_provider)
        operator.refresh_from_db()
        assert roles_of(operator) == [Role.RECEPTIONIST]
        assert operator.is_staff is False
        event = AuditEvent.objects.get(action="operator.roles")
        assert event.facts == {"before": ["Manager"], "after": ["Receptionist"], "by": "openid"}

    def test_not_somebody_in_none_of_the_groups(self, client, operator, openid_provider, provider):
        provider(roles={"admins": Role.ADMINISTRATOR}, create=True)
        assert "gives you no role on this site" in sentence(client, sign_in(client, openid_provider))
        assert roles_of(operator) == [Role.MANAGER]

    def test_not_somebody_who_is_deactivated(self, client, operator, openid_provider, provider):
        User.objects.update(is_active=False)
        assert "is switched off" in sentence(client, sign_in(client, openid_provider))

    def test_nobody_takes_over_an_administrator_by_name(self, client, staff, openid_provider, provider):
        openid_provider.add_person("s-1", preferred_username="stefan")
        assert "administrator of this site with a password" in sentence(client, sign_in(client, openid_provider, "s-1"))
        assert not OpenIdentity.objects.exists()

    def test_nobody_takes_over_an_operator_who_is_linked(self, client, operator, openid_provider, provider):
        sign_in(client, openid_provider)
        openid_provider.add_person("o-2", preferred_username="olivia")
        other = Client()
        assert "belongs to somebody else" in sentence(other, sign_in(other, openid_provider, "o-2"))

    @pytest.mark.parametrize("name", ["Olivia", "ólivia", "OLIVIA"])
    def test_another_spelling_is_another_name(self, client, operator, openid_provider, provider, name):
        openid_provider.add_person("x-1", preferred_username=name)
        sign_in(client, openid_provider, "x-1")
        assert "_auth_user_id" not in client.session

    def test_an_unchecked_address_names_nobody(self, client, operator, openid_provider, provider):
        User.objects.update(username="olivia@example.org")
        provider(name_claim="email")
        openid_provider.add_person("e-1", email="olivia@example.org")
        assert "has not checked your e-mail address" in sentence(client, sign_in(client, openid_provider, "e-1"))
        openid_provider.add_person("e-1", email="olivia@example.org", email_verified=True)
        assert sign_in(client, openid_provider, "e-1").headers["Location"] == "/account/"

    @pytest.mark.parametrize("name", ["two words", "x" * 151, "semi;colon"])
    def test_a_name_that_cannot_be_one_is_told(self, client, db, openid_provider, provider, name):
        provider(create=True)
        openid_provider.add_person("b-1", preferred_username=name)
        assert "cannot be a user name here" in sentence(client, sign_in(client, openid_provider, "b-1"))

    def test_somebody_without_a_name_is_told(self, client, db, openid_provider, provider):
        openid_provider.add_person("anonymous", groups=["desk"])
        assert "does not say your user name" in sentence(client, sign_in(client, openid_provider, "anonymous"))


class TestAProviderThatIsAway:
    def test_has_a_capital_letter_at_the_beginning_of_a_sentence(self, client, db, provider):
        provider(issuer="http://localhost:9", label="your organisation")
        assert sentence(client, client.get("/accounts/openid/")).startswith("Your organisation does not answer.")

    def test_is_told_and_passwords_go_on(self, client, operator, provider):
        provider(issuer="http://localhost:9")
        said = sentence(client, client.get("/accounts/openid/?next=/account/"))
        assert said == "Example Ltd does not answer. Try again in a few minutes, or log in with a password."
        client.post("/accounts/login/", {"username": "olivia", "password": "operator-password"})
        assert client.get("/account/").status_code == 200

    def test_is_not_waited_for_long(self, client, db, provider, monkeypatch):
        monkeypatch.setattr(openid_calls, "SECONDS", 0.2)
        with socket.create_server(("127.0.0.1", 0)) as deaf:
            provider(issuer=f"http://localhost:{deaf.getsockname()[1]}")
            assert "does not answer" in sentence(client, client.get("/accounts/openid/"))

    def test_and_took_its_session_along_on_the_way_out(self, client, operator, openid_provider, provider):
        sign_in(client, openid_provider)
        cache.clear()
        provider(issuer="http://localhost:9")
        assert client.post("/accounts/logout/").headers["Location"] == "/accounts/login/"

    def test_a_document_of_another_provider_is_refused(self, client, openid_provider, provider, db):
        provider(issuer=f"{openid_provider.issuer}/")
        assert "not set up as this site expects" in sentence(client, client.get("/accounts/openid/"))


class TestOnDaphne:
    def test_a_whole_sign_in(self, models_dir, openid_provider, django_db_blocker):
        openid_provider.add_person("d-1", preferred_username="dora", groups=["admins"])
        with running_server(
            models_dir,
            FACESITE_OIDC_ISSUER=openid_provider.issuer,
            FACESITE_OIDC_CLIENT_ID="facesite",
            FACESITE_OIDC_CLIENT_SECRET="secret",
            FACESITE_OIDC_LABEL="Example Ltd",
            FACESITE_OIDC_ROLES="admins=Administrator",
            FACESITE_OIDC_CREATE="on",
        ) as server:
            browser = Browser(server)
            assert "Log in with Example Ltd" in browser.get("/accounts/login/")[1]
            at_provider = browser.location("/accounts/openid/?next=/account/")
            back = urlsplit(openid_provider.sign_in(at_provider, "d-1"))
            assert f"{back.scheme}://{back.netloc}" == server.url
            status, page = browser.get(f"{back.path}?{back.query}")
            assert (status, "Signed in as <strong>dora</strong>" in page) == (200, True)
            assert browser.get("/site/operators/")[0] == 200
            assert "Traceback" not in server.log.read_text()
