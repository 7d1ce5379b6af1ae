from __future__ import annotations

import re

import pytest

from security.audit.problems import SENTENCES, problem_in_words
from tests.support.pseudo import pseudo_language


class TestProblemInWords:
    @pytest.mark.parametrize("sentence", SENTENCES)
    def test_finds_the_sentence_that_a_check_has_kept(self, sentence):
        stored = re.sub(r"\{\w+\}", "2026-11-27", sentence)
        assert problem_in_words(stored) == stored
        with pseudo_language():
            assert problem_in_words(stored) == f"⟦{stored}⟧"

    def test_leaves_anything_else_as_it_is(self):
        with pseudo_language():
            assert problem_in_words("Row 5 sang.") == "Row 5 sang."
