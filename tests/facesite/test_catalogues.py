"""Every marked sentence is translated into every language of the site, with its places and its markup."""

from __future__ import annotations

import gettext
import io
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import translation

from facesite.languages import words_of_scripts
from tests.support import skips

LANGUAGES = [code for code, _ in settings.LANGUAGES if code != "en"]
DOMAINS = ("django", "djangojs")
PLACE = re.compile(r"%\(\w+\)[sd]|%[sd%]|\{\w+[^}]*\}")
MARKUP = re.compile(r"</?\w+")
UNTRANSLATED = re.compile(
    r'^msgid (.+(?:\n".*")*)\n(?:msgid_plural .+(?:\n".*")*\n)?(?:msgstr\[\d\] ".+"\n)*msgstr(?:\[\d\])? ""\n(?!")',
    re.M,
)
WORD = re.compile(r"[a-z]{2}|[A-Z]{2}")
NAMES = {"API", "EdgeFace-XS (512-d)", "Redis"}
Catalogue = dict[str | tuple[str, int], str]


def read(mo: bytes) -> Catalogue:
    found: Catalogue = gettext.GNUTranslations(io.BytesIO(mo))._catalog  # type: ignore[attr-defined]
    return {said: words for said, words in found.items() if said}


def shipped(language: str, domain: str, *, root: Path = settings.BASE_DIR) -> Catalogue:
    return read((root / "locale" / language / "LC_MESSAGES" / f"{domain}.mo").read_bytes())


def both(language: str) -> Catalogue:
    return shipped(language, "django") | shipped(language, "djangojs")


def compiled(po: Path) -> Catalogue:
    """What is translated and not guessed (fuzzy)."""
    made = subprocess.run(["msgfmt", "--check", "-o", "-", str(po)], capture_output=True, check=True)
    return read(made.stdout)


def plurals(language: str, domain: str) -> dict[str, str]:
    """English singular -> English plural."""
    po = (settings.BASE_DIR / "locale" / language / "LC_MESSAGES" / f"{domain}.po").read_text()
    return {json.loads(one): json.loads(many) for one, many in re.findall(r"^msgid (.*)\nmsgid_plural (.*)$", po, re.M)}


@pytest.fixture(scope="module")
def collected(tmp_path_factory) -> Path:
    """The sources, with catalogues that were brought up to them just now."""
    if not shutil.which("xgettext"):
        skips.skip("gettext", "no xgettext")
    there = tmp_path_factory.mktemp("sources")
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.splitlines():
        if Path(name).suffix in {".py", ".html", ".js", ".po", ".toml"} or name in {"manage.py", "scripts/messages"}:
            (there / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(settings.BASE_DIR / name, there / name)
    (there / ".venv").symlink_to(settings.BASE_DIR / ".venv")
    environment = {name: value for name, value in os.environ.items() if name not in {"DJANGO_SETTINGS_MODULE"}}
    subprocess.run([str(there / "scripts/messages")], cwd=there, env=environment, check=True, capture_output=True)
    return there


class TestCatalogues:
    @pytest.mark.parametrize("domain", DOMAINS)
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_have_every_sentence_of_the_sources(self, collected, language, domain):
        po = (collected / "locale" / language / "LC_MESSAGES" / f"{domain}.po").read_text()
        assert UNTRANSLATED.findall(po) == [], "make messages, then translate"
        assert "\n#, fuzzy" not in po.partition("\n\n")[2], "a guess: look at it and take the mark away"
        assert set(shipped(language, domain, root=collected)) == set(shipped(language, domain)), "make messages"

    @pytest.mark.parametrize("domain", DOMAINS)
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_keep_the_places_and_the_markup_of_each_sentence(self, language, domain):
        many = plurals(language, domain)
        wrong = []
        for said, words in shipped(language, domain).items():
            english, form = said if isinstance(said, tuple) else (said, None)
            asked, given = set(PLACE.findall(english)), set(PLACE.findall(words))
            if form is not None:  # a form for one, two or none may do without the number
                same = given <= asked | set(PLACE.findall(many[english]))
            else:
                same = given == asked and sorted(MARKUP.findall(english)) == sorted(MARKUP.findall(words))
            if not same:
                wrong.append((english, words))
        assert wrong == []

    def test_leave_nothing_in_english_but_names(self):
        """A word may well be the same in one other language; in all of them it was left as it is."""
        same = [{said for said, words in both(language).items() if said == words} for language in LANGUAGES]
        assert {said for said in set.intersection(*same) if WORD.search(PLACE.sub("", str(said)))} == NAMES

    @pytest.mark.parametrize("domain", DOMAINS)
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_are_compiled(self, language, domain):
        if not shutil.which("msgfmt"):
            skips.skip("gettext", "no msgfmt")
        po = settings.BASE_DIR / "locale" / language / "LC_MESSAGES" / f"{domain}.po"
        assert compiled(po) == shipped(language, domain), "make messages"


class TestWordsWithTwoSenses:
    """One English word, two words elsewhere: whoever translates is told which is which by its context."""

    @pytest.mark.parametrize(
        ("language", "context", "word", "there", "elsewhere"),
        [
            ("fr", "an operator", "Deactivated", "Désactivé", "Désactivée"),  # a person is feminine
            ("fr", "roles of an operator", "None", "Aucun", "Aucune"),  # else of pages
            ("es", "a button", "Set aside", "Apartar", "Apartada"),
            ("es", "a sample", "Take back", "Recuperar", "Anular"),  # else a punch or a request
            ("es", "an API key", "Revoked", "Revocada", "Revocado"),  # else a kiosk
            ("de", "what a sample was taken from", "Photo upload", "Hochgeladenes Foto", "Fotos hochladen"),
            ("de", "a line of a report", "Note", "Hinweis", "Notiz"),
            ("ar", "people", "Keep them", "إبقاؤهم", "إبقاؤها"),  # else pictures
        ],
    )
    def test_are_told_apart(self, language, context, word, there, elsewhere):
        with translation.override(language):
            assert (translation.pgettext(context, word), translation.gettext(word)) == (there, elsewhere)


class TestWordsOfScripts:
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_are_handed_to_the_page(self, language):
        assert len(words_of_scripts(language)["catalog"]) > 50
