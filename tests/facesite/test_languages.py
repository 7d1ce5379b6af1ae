"""The whole interface can be said in another language, and is said in the one that somebody asks for."""

from __future__ import annotations

import contextlib
import io
import json
import re

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from pytest_django.asserts import assertContains

from facesite.languages import words_of_scripts
from security.languages import choose_language, chosen_language, language_for
from security.models import OperatorLanguage
from tests.support.example_site import fill
from tests.support.pages import PAGES, SIGNED_OUT
from tests.support.pseudo import pseudo_language, unmarked_words

FOREIGN = ("admin",)
"""Django's own pages are translated by Django; what they show of this site is looked at by its models' tests."""
DATA: tuple[str, ...] = (
    "facesite",
    "stefan",
    "Zoë",
    "Somebody Who Rests",
    "Laboratory",
    "Kiosk Front door",
    "Front door",
    "Reception",
    "Office hours",
    "Forgot to look.",
    "attempt.decided",
    "en-1",
)
"""What is nobody's language: names, values, and texts that this site's operators wrote."""


@pytest.fixture
def site_rows(staff, models_dir, shared_faces, tmp_path) -> dict[str, str]:
    """A site with something on every page."""
    picture = next(iter(sorted((shared_faces / "portraits").glob("*.jpg"))))
    (tmp_path / "Zoë").mkdir()
    (tmp_path / "Zoë" / "1.jpg").write_bytes(picture.read_bytes())
    call_command("enroll_folder", str(tmp_path))
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        fill()
    rows: dict[str, str] = json.loads(said.getvalue().splitlines()[-1])
    return rows


class TestEveryPage:
    def test_has_no_word_that_cannot_be_translated(self, site_rows, staff_client):
        found = []
        with pseudo_language():
            for client, pages in ((staff_client, PAGES), (Client(), SIGNED_OUT)):
                for name, address in pages.items():
                    if not name.startswith(FOREIGN):
                        page = client.get(address.format(**site_rows)).content.decode()
                        found += [f"{name}: {words}" for words in unmarked_words(page, data=DATA)]
        assert not found, f"{len(found)}:\n" + "\n".join(found)


class TestRecords:
    def test_are_called_by_plurals_of_the_language(self):
        """Django makes one with an English s where a model has only the name of one record."""
        with translation.override("ar"):
            plurals = [str(model._meta.verbose_name_plural) for model in apps.get_models()]
        assert not [plural for plural in plurals if re.search("[\u0600-\u06ff]s$", plural)]


class TestLanguageFor:
    @pytest.mark.parametrize(
        ("chosen", "accepted", "language"),
        [
            (None, "", "en"),
            (None, "de-AT,de;q=0.9,en;q=0.5", "de"),
            (None, "fi,fr-CA;q=0.8", "fr"),
            (None, "fi", "en"),
            (None, "ar-EG", "ar"),
            (None, "*", "en"),
            (None, ";;;q=nonsense", "en"),
            ("es", "de", "es"),
            ("xx", "de", "de"),
            ("", "de", "de"),
        ],
    )
    def test_takes_the_chosen_one_else_what_the_browser_likes_best(self, chosen, accepted, language):
        assert language_for(chosen, accepted) == language


class TestAPage:
    def test_says_which_language_and_direction_it_has(self, db):
        page = Client(headers={"Accept-Language": "ar"}).get("/accounts/login/")
        assert '<html lang="ar" dir="rtl">' in page.content.decode()
        assert page.headers["Content-Language"] == "ar"
        assert "Accept-Language" in page.headers["Vary"]

    def test_speaks_what_its_operator_chose_whatever_the_browser_asks(self, staff, staff_client):
        staff_client.post("/account/language/", {"language": "fr"})
        page = staff_client.get("/", headers={"Accept-Language": "de"})
        assert page.headers["Content-Language"] == "fr"
        elsewhere = Client(headers={"Accept-Language": "de"})
        elsewhere.force_login(staff)
        assert elsewhere.get("/account/").headers["Content-Language"] == "fr"

    def test_follows_the_browser_again_when_the_choice_is_taken_back(self, staff, staff_client):
        choose_language(actor=staff, language="fr", session=staff_client.session)
        staff_client.post("/account/language/", {"language": ""})
        assert not OperatorLanguage.objects.exists()
        assert staff_client.get("/", headers={"Accept-Language": "es"}).headers["Content-Language"] == "es"

    def test_shows_what_was_chosen_and_not_what_is_spoken(self, staff_client):
        speaking = {"Accept-Language": "de"}
        assert "selected" not in staff_client.get("/account/", headers=speaking).content.decode()
        staff_client.post("/account/language/", {"language": "fr"})
        page = staff_client.get("/account/", headers=speaking)
        assertContains(page, '<option value="fr" lang="fr" translate="no" selected>Français</option>', html=True)

    def test_refuses_a_language_that_the_site_does_not_speak(self, staff, staff_client):
        answer = staff_client.post("/account/language/", {"language": "tlh"}, follow=True)
        assert "Choose a language from the list." in answer.content.decode()
        assert chosen_language(staff) == ""


class TestAnAddressForPrograms:
    def test_asks_no_session_for_its_language(self, staff_client):
        with CaptureQueriesContext(connection) as asked:
            assert staff_client.get("/healthz").status_code == 200
        assert not asked.captured_queries


class TestWordsOfScripts:
    def test_are_none_in_english(self):
        assert words_of_scripts("en") == {}
