"""verification has the sentences of all codes together: here the whole product's codes are held against them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

from enrollment.errors import EnrollmentError
from enrollment.reasons import EnrollmentReason
from recognizer.errors import RecognizerError
from recognizer.reasons import Reason
from recognizer.tracking.challenge import Prompt
from tests.support.reasons import every_error, is_used, sources
from verification.reasons import (
    CLAIMS,
    PHOTOGRAPHS,
    PROMPTS,
    SENTENCES,
    VerificationReason,
    sentence_for,
    sentence_for_claim,
    sentence_for_photo,
)

CONTRACT = """frame_too_short, frame_too_large, image_undecodable, image_too_many_pixels, image_too_small,
not_configured, no_face, several_faces, face_too_small, face_too_large, face_off_centre, face_cut_off, too_dark,
too_bright, blurred, turned_away, tilted, eyes_hidden, hold_still, turn_left, turn_right, done"""

BARE_CODE = r'"([a-z]+(?:_[a-z]+)+)"'
USES = [
    re.compile(rf"(?:send_error|reject_message|sentence_for|sentence_for_photo|doubted)\(\s*{BARE_CODE}"),
    re.compile(rf"\bcode(?:: [\w\[\]]+)? ?= ?{BARE_CODE}"),
    re.compile(rf"reasons ?= ?\({BARE_CODE},"),
]
"""Where the source would give a code as a bare string. Only the errors' classes do: there the string is the code."""


def error_codes() -> set[str]:
    return {error.code for error in every_error(RecognizerError)} | {
        error.code for error in every_error(EnrollmentError)
    }


def bare_codes(source: str) -> set[str]:
    return {code for use in USES for code in use.findall(source)}


class TestEveryCodeHasASentence:
    @pytest.mark.parametrize("code", CONTRACT.replace("\n", " ").replace(",", " ").split())
    def test_of_the_contract(self, code: str) -> None:
        assert code in SENTENCES

    @pytest.mark.parametrize("code", [*Reason, *EnrollmentReason, *VerificationReason])
    def test_of_the_reasons(self, code: str) -> None:
        assert code in SENTENCES

    def test_of_the_errors(self) -> None:
        assert error_codes() - SENTENCES.keys() == set()

    def test_of_the_prompts(self) -> None:
        assert set(PROMPTS) == {None, *Prompt}

    @pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(settings.BASE_DIR)))
    def test_that_the_source_gives_as_a_bare_string(self, path: Path) -> None:
        assert bare_codes(path.read_text()) - error_codes() == set()

    def test_and_the_search_for_them_finds_some(self) -> None:
        found = set().union(*(bare_codes(path.read_text()) for path in sources()))
        assert {"person_unknown", "pack_corrupt", "photos_expired"} <= found


class TestEverySentenceHasACode:
    @pytest.mark.parametrize("code", SENTENCES)
    def test_that_something_can_say(self, code: str) -> None:
        assert code in {*Reason, *EnrollmentReason, *VerificationReason, *error_codes()}

    @pytest.mark.parametrize("code", [*Reason, *VerificationReason])
    def test_that_the_source_uses(self, code: Reason | VerificationReason) -> None:
        assert is_used(code)

    @pytest.mark.parametrize("code", PHOTOGRAPHS)
    def test_that_has_another_one_for_the_webcam(self, code: str) -> None:
        assert sentence_for_photo(code) != sentence_for(code)

    @pytest.mark.parametrize("code", CLAIMS)
    def test_that_has_another_one_for_a_search(self, code: str) -> None:
        assert sentence_for_claim(code) != sentence_for(code)


class TestSentences:
    @pytest.mark.parametrize(
        "sentence",
        [str(each) for each in [*SENTENCES.values(), *PROMPTS.values(), *PHOTOGRAPHS.values(), *CLAIMS.values()]],
    )
    def test_are_plain_sentences(self, sentence: str) -> None:
        assert sentence[0].isupper()
        assert re.search(r"(\.|packs list|packs verify|rebuild_templates|install mobile)$", sentence)
        assert len(sentence) < 120

    def test_a_photograph_without_advice_of_its_own_gets_the_common_one(self) -> None:
        assert sentence_for_photo("below_threshold") == sentence_for("below_threshold")

    def test_an_unknown_code_is_shown_rather_than_hidden(self) -> None:
        assert sentence_for("never_heard_of") == "never_heard_of"
