from __future__ import annotations

import re

import pytest

from enrollment.capture.guided import AIM_CODES
from enrollment.reasons import GUIDANCE, PHOTOGRAPHS, SENTENCES, EnrollmentReason, sentence_for, sentence_for_photo
from recognizer.stages.quality import RULES
from tests.support.reasons import is_used

QUALITY = [code for code, _ in RULES]


class TestCodes:
    @pytest.mark.parametrize("code", EnrollmentReason)
    def test_have_a_sentence(self, code: EnrollmentReason) -> None:
        assert code in SENTENCES

    @pytest.mark.parametrize("code", EnrollmentReason)
    def test_are_used(self, code: EnrollmentReason) -> None:
        assert is_used(code)

    @pytest.mark.parametrize("code", [*QUALITY, *AIM_CODES.values()])
    def test_of_the_guided_capture_have_guidance(self, code: str) -> None:
        assert code in GUIDANCE


class TestSentences:
    @pytest.mark.parametrize(
        ("code", "sentence"), [(code, str(said)) for code, said in [*SENTENCES.items(), *PHOTOGRAPHS.items()]]
    )
    def test_are_plain_sentences(self, code: str, sentence: str) -> None:
        assert sentence[0].isupper()
        assert re.search(r"(\.|packs list|packs verify|rebuild_templates|install mobile)$", sentence)
        assert len(sentence) < 120

    def test_about_a_photograph_ask_nobody_to_move(self) -> None:
        assert set(PHOTOGRAPHS) == set(QUALITY)
        assert sentence_for_photo("blurred") == "The face is blurred. Use a sharper picture."

    def test_an_unknown_code_is_shown_rather_than_hidden(self) -> None:
        assert sentence_for("never_heard_of") == "never_heard_of"
