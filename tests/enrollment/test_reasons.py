from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

from enrollment.capture.guided import AIM_CODES
from enrollment.errors import EnrollmentError
from enrollment.reasons import GUIDANCE, PHOTOGRAPHS, SENTENCES, sentence_for
from recognizer.decisions import DECISION_REASONS
from recognizer.errors import RecognizerError
from recognizer.stages.quality import RULES

CONTRACT = """frame_too_short, frame_too_large, image_undecodable, image_too_many_pixels, image_too_small,
not_configured, no_face, several_faces, face_too_small, face_too_large, face_off_centre, face_cut_off, too_dark,
too_bright, blurred, turned_away, tilted, eyes_hidden, hold_still, turn_left, turn_right, done"""

CODE = r'"([a-z]+(?:_[a-z]+)*)"'
USES = [
    re.compile(rf"(?:send_error|reject_message|sentence_for)\(\s*{CODE}"),
    re.compile(rf"\bcode(?:: [\w\[\]]+)? ?= ?{CODE}"),
    re.compile(rf"\bcode = {CODE} if .* else {CODE}"),
    re.compile(rf"reasons=\({CODE},\)"),
    re.compile(rf"Verdict\.\w+, \({CODE},\)"),
    re.compile(rf"return None, {CODE}(?: if .* else {CODE})?"),
    re.compile(rf"^ +return {CODE}, None$", re.MULTILINE),
    re.compile(rf"reasons = \({CODE},"),
]


def every_error(base: type[Exception]) -> list[type[Exception]]:
    return [base, *(error for child in base.__subclasses__() for error in every_error(child))]


def codes_in(source: str) -> set[str]:
    found = {code for use in USES for match in use.finditer(source) for code in match.groups() if code}
    return found - {"required"}  # Django's own code of an empty form field


def sources() -> list[Path]:
    root = Path(settings.BASE_DIR)
    return [path for app in ("recognizer", "enrollment", "verification") for path in sorted((root / app).rglob("*.py"))]


class TestEveryCodeHasASentence:
    @pytest.mark.parametrize("code", CONTRACT.replace("\n", " ").replace(",", " ").split())
    def test_of_the_contract(self, code):
        assert code in SENTENCES

    @pytest.mark.parametrize("error", [*every_error(RecognizerError), *every_error(EnrollmentError)])
    def test_of_the_errors(self, error):
        assert error.code in SENTENCES

    def test_of_the_quality_rules(self):
        assert {code for code, _ in RULES} <= GUIDANCE.keys()

    def test_of_the_decisions(self):
        assert set(DECISION_REASONS) <= SENTENCES.keys()

    def test_of_the_guided_capture(self):
        assert set(AIM_CODES.values()) <= GUIDANCE.keys()

    @pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(settings.BASE_DIR)))
    def test_that_the_source_names(self, path):
        assert codes_in(path.read_text()) - SENTENCES.keys() == set()

    def test_and_the_search_for_them_finds_some(self):
        found = set().union(*(codes_in(path.read_text()) for path in sources()))
        assert {
            "margin_too_small",
            "frame_too_short",
            "message_unknown",
            "unclear_which_face",
            "liveness_attack",
        } <= found


class TestSentences:
    @pytest.mark.parametrize(("code", "sentence"), SENTENCES.items())
    def test_are_plain_sentences(self, code, sentence):
        assert sentence[0].isupper()
        assert re.search(r"(\.|packs list|packs verify|rebuild_templates|install mobile)$", sentence)
        assert len(sentence) < 120

    @pytest.mark.parametrize("code", [code for code, _ in RULES])
    def test_about_a_photograph_ask_nobody_to_move(self, code):
        assert code in PHOTOGRAPHS
        assert code in SENTENCES
        assert len(PHOTOGRAPHS[code]) < 120

    def test_an_unknown_code_is_shown_rather_than_hidden(self):
        assert sentence_for("never_heard_of") == "never_heard_of"
