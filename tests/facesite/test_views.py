"""The dashboard and the error pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.template.loader import render_to_string
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import path
from django.utils import timezone, translation
from django.utils.html import escape
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from enrollment.runtime.gallery import current_gallery, mark_gallery_stale
from facesite.views import policy_status
from facesite.warmup import warmup
from recognizer.decisions import policy_for_gallery
from security.daily import state_of
from tests.verification.rows import make_attempt, make_person
from verification.policy import current_policy


@pytest.fixture(autouse=True)
def _no_warm_up(monkeypatch):
    monkeypatch.setattr(warmup, "start", lambda: None)
    warmup.reset()


@pytest.mark.django_db
class TestDashboard:
    def test_needs_a_login(self, client):
        assertRedirects(client.get("/"), "/accounts/login/?next=/", fetch_redirect_response=False)

    def test_counts_people_and_todays_attempts(self, operator_client, monkeypatch):
        now = timezone.now()
        monkeypatch.setattr(timezone, "now", lambda: now)  # at midnight, too
        ada = make_person("Ada")
        make_person("Bob", is_active=False)
        make_attempt(matched_person=ada, created_at=now)
        make_attempt(verdict="non_match", created_at=now)
        context = operator_client.get("/").context
        assert (context["counts"].people, context["counts"].active_people) == (2, 1)
        assert (context["today"].total, context["today"].match, context["today"].non_match) == (2, 1, 1)

    def test_shows_recent_attempts_with_their_verdicts(self, operator_client):
        make_attempt(matched_person=make_person("Ada"))
        make_attempt(verdict="attack")
        response = operator_client.get("/")
        assertContains(response, "Ada")
        assertContains(response, "badge--attack")

    def test_shows_pack_licence_gallery_and_health(self, operator_client, engine):
        current_gallery(engine)
        response = operator_client.get("/")
        assertContains(response, engine.pack.title)
        assertContains(response, engine.pack.licence)
        assertContains(response, "0 templates, revision")
        assertNotContains(response, "not running")
        assertContains(response, escape(engine.pack.training_data))
        assertContains(response, escape(engine.pack.terms))

    def test_says_which_command_installs_a_pack_when_there_is_none(
        self, operator_client, no_engine, settings, tmp_path
    ):
        settings.FACESITE_MODELS_DIR = tmp_path
        settings.FACESITE_MODEL_PACK = "mobile"
        response = operator_client.get("/")
        assertContains(response, "manage.py packs install")
        assertContains(response, "not running")

    def test_names_the_database_without_its_folder(self, operator_client):
        context = operator_client.get("/").context
        kinds = {"sqlite": {"SQLite"}, "mysql": {"MySQL", "MariaDB"}}
        assert context["database_vendor"] in kinds[connection.vendor]
        assert context["database_name"] == Path(connection.settings_dict["NAME"]).name

    def test_takes_the_same_few_queries_however_much_there_is(self, operator_client, engine, django_assert_num_queries):
        current_gallery(engine)
        state_of("retention")  # the first page plans the first run
        operator_client.get("/")  # and counts the days before today
        for number in range(4):
            make_attempt(matched_person=make_person(f"Person {number}"))
            mark_gallery_stale()
            # session, operator, sign-in, rights of operator and groups; people, samples, templates, revision; consents
            # (2); retention (3); the site key;
            # today, who was seen (3), recent attempts, thumbnails; SELECT 1; the gallery's revision; unknown faces, for
            # the menu and the alerts; where the pack cannot check liveness, the policy
            with django_assert_num_queries(26 if engine.pack.checks_liveness else 27):
                operator_client.get("/")

    def test_shows_the_threshold_that_searches_use(self, engine):
        shown = policy_status(4_000)
        assert shown
        assert shown.policy == policy_for_gallery(current_policy(engine), 4_000)
        assert shown.policy.match_threshold > current_policy(engine).match_threshold

    def test_says_in_which_language_it_is(self, operator_client):
        with translation.override("ar"):
            assert '<html lang="ar" dir="rtl">' in render_to_string("base.html")
        assertContains(operator_client.get("/"), '<html lang="en">')

    def test_an_empty_site_says_what_to_do_first(self, operator_client):
        assertContains(operator_client.get("/"), "Enrol somebody, then open the live page")


def broken(request):
    raise RuntimeError("details for the log")


urlpatterns = [path("broken", broken)]


class TestErrorPages:
    @pytest.mark.django_db
    def test_not_found_offers_a_way_on(self, operator_client):
        assertContains(operator_client.get("/nothing/here"), "This page does not exist", status_code=404)

    @pytest.mark.django_db
    def test_a_form_without_its_token_is_explained(self, operator):
        client = Client(enforce_csrf_checks=True)
        client.force_login(operator)
        response = client.post("/verification/photo/", {})
        assertContains(response, "The form was not accepted", status_code=403)

    @pytest.mark.urls("tests.facesite.test_views")
    def test_a_broken_view_is_answered_without_base_template_or_database(self):
        response = Client(raise_request_exception=False).get("/broken")
        assertContains(response, "Something went wrong on the server", status_code=500)
        assertNotContains(response, "details", status_code=500)


class TestTemplates:
    def test_a_partial_with_a_form_gets_the_csrf_token_where_it_sees_nothing_else(self):
        """{% include ... only %} hides the token, and a test client without csrf checks does not notice."""
        folder = Path(settings.BASE_DIR) / "templates"
        texts = {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.html")}
        with_forms = {name for name, text in texts.items() if "{% csrf_token %}" in text}
        for text in texts.values():
            for name, rest in re.findall(r'{% include "([^"]+)"([^%]*)%}', text):
                assert name not in with_forms or "csrf_token=csrf_token" in rest or " only " not in rest


@pytest.mark.django_db
class TestSearchesOfAnyLength:
    """3,000 words took 11 s and then a 500."""

    @pytest.mark.parametrize(
        ("address", "status"),
        [
            ("/enrollment/people/search.json?q=", 200),
            ("/enrollment/people/?q=", 200),
            ("/verification/attempts/?q=", 400),  # the form says that 200 characters are the most
            ("/admin/enrollment/person/?q=", 200),
            ("/admin/verification/verificationattempt/?q=", 200),
            ("/admin/auth/user/?q=", 200),
            ("/admin/auth/group/?q=", 200),
        ],
    )
    def test_only_the_first_words_are_looked_for(self, staff_client, address, status):
        assert staff_client.get(address + "+".join(["zz"] * 3000)).status_code == status
        with CaptureQueriesContext(connection) as queries:
            assert staff_client.get(address + "+".join(["zz"] * 3000)).status_code == status
        assert max(query["sql"].count("%zz%") for query in queries) <= 10 * 5  # ten words in up to five fields
