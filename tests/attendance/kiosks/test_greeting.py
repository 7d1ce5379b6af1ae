from __future__ import annotations

from datetime import timedelta

import pytest

from attendance.kiosks.greeting import number_refused, refusal_of
from attendance.punches.badges import NumberUnknown, TooManyNumbers
from recognizer.reasons import Reason
from tests.support.pseudo import pseudo_language
from verification.models import VerificationAttempt

Verdict = VerificationAttempt.Verdict


class TestInAnotherLanguage:
    @pytest.mark.parametrize(
        ("verdict", "reasons"),
        [
            (Verdict.ATTACK, []),
            (Verdict.NON_MATCH, []),
            (Verdict.NON_MATCH, [Reason.GALLERY_EMPTY]),
            (Verdict.UNCERTAIN, []),
            (Verdict.UNCERTAIN, [Reason.LIVENESS_UNCERTAIN]),
        ],
    )
    def test_every_refusal_is_plain_text_in_it(self, verdict, reasons):
        with pseudo_language():
            said = refusal_of(verdict, reasons)
        assert all(type(text) is str and text.startswith("⟦") for text in said)

    def test_numbers_are_refused_in_it(self):
        with pseudo_language():
            wait, unknown = number_refused(TooManyNumbers(timedelta(seconds=1))), number_refused(NumberUnknown())
        assert (wait.title, wait.text) == ("⟦Too many wrong numbers⟧", "⟦Wait 1 second, then try again.⟧")
        assert unknown.title == "⟦This number is not known⟧"
