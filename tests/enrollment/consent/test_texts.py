from __future__ import annotations

import pytest
from django.utils.translation import override

from enrollment.consent.texts import current_text, newest_texts, text_shown
from enrollment.models import ConsentText

pytestmark = pytest.mark.django_db


def add(language: str, number: int, body: str = "I agree.") -> ConsentText:
    return ConsentText.objects.create(language=language, number=number, body=body)


def version_shown(language: str | None = None) -> str:
    text = current_text(language)
    assert text is not None
    return text.version


class TestCurrentText:
    def test_a_new_site_has_the_english_text(self):
        text = current_text()
        assert text is not None
        assert (text.version, len(text.paragraphs)) == ("en-1", 4)
        assert text.paragraphs[3].startswith("I may withdraw at any time.")

    def test_is_the_newest_of_the_pages_language(self):
        for number in (1, 2):
            add("de", number)
        with override("de"):
            assert version_shown() == "de-2"
        assert version_shown() == "en-1"

    def test_falls_back_to_the_main_language_then_to_english(self):
        add("fr", 1)
        assert version_shown("fr-ca") == "fr-1"
        assert version_shown("ar") == "en-1"

    def test_falls_back_to_any_text_at_all(self):
        ConsentText.objects.all().delete()
        assert current_text() is None
        add("de", 1)
        assert version_shown("ar") == "de-1"

    def test_lists_each_language_once(self):
        add("de", 1), add("de", 2), add("en", 2)
        assert [text.version for text in newest_texts()] == ["de-2", "en-2"]


class TestTextShown:
    def test_is_the_version_that_the_page_had_when_it_was_ticked(self):
        first = current_text()
        assert first is not None
        add("en", 2)
        assert text_shown(str(first.pk)) == first

    @pytest.mark.parametrize("key", [None, "", "x", "-1", "9" * 30, {"a": 1}])
    def test_is_the_current_one_for_what_names_no_version(self, key):
        assert text_shown(key) == current_text()


class TestParagraphs:
    def test_are_parted_by_empty_lines(self):
        text = ConsentText(language="en", number=1, body="One\r\n\r\nTwo\nstill two\n\n\n\nThree")
        assert text.paragraphs == ["One", "Two\nstill two", "Three"]
