from __future__ import annotations

import pytest

from security.sign_in.browsers import browser_in_words, browser_translated
from tests.support.pseudo import pseudo_language


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Windows"),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0 "
            "Safari/537.36 Edg/138.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0 Mobile Safari/537.36",
            "Chrome on Android",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Safari/604.1",
            "Safari on iPhone",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.5 Safari/605.1.15",
            "Safari on Mac",
        ),
        ("Python-urllib/3.11", "A program"),
        ("", "A program"),
    ],
)
def test_a_browser_is_named_as_its_operator_would(user_agent, words):
    assert browser_in_words(user_agent) == words


@pytest.mark.parametrize("kept", ["Firefox on Windows", "A program"])
def test_what_is_kept_in_english_is_said_in_the_language_of_the_page(kept):
    with pseudo_language():
        assert browser_translated(kept) == f"⟦{kept}⟧"
