from __future__ import annotations

import pytest

from attendance.rules import rule_in_words
from tests.support.pseudo import pseudo_language


class TestRuleInWords:
    @pytest.mark.parametrize(
        "stored", ["nobody checked out; closed at the end of Office hours", "nobody checked out; closed at 18:00"]
    )
    def test_says_a_stored_reason_in_the_language_of_the_page(self, stored):
        assert rule_in_words(stored) == stored
        with pseudo_language():
            assert rule_in_words(stored) == f"⟦{stored}⟧"

    def test_leaves_what_somebody_wrote(self):
        with pseudo_language():
            assert rule_in_words("was ill") == "was ill"
