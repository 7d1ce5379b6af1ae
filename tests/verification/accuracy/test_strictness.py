"""Strict, balanced and relaxed in plain words, and what choosing one saves."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from pytest_django.asserts import assertContains, assertRedirects

from recognizer.calibration import rate_of
from verification.accuracy.calibration import Choice
from verification.accuracy.strictness import false_matches_sentence, refused_sentence
from verification.policy import saved_policy


def choice(false_alarms: float) -> Choice:
    values: Any = SimpleNamespace(rate="0.0001", false_alarms=false_alarms)
    return cast(Choice, values)


class TestSentences:
    @pytest.mark.parametrize(
        ("alarms", "people", "words"),
        [
            (0.02, 100, "Of 10,000 strangers fewer than one would be taken for one of the 100 people"),
            (0.1, 1, "Of 1,000 strangers about 0.1 would be taken for the person enrolled."),
            (1.0, 100, "Of 1,000 strangers about one would"),
            (9.94, 1000, "about 9.9 would be taken for one of the 1,000 people"),
            (95.2, 1000, "about 95 would"),
            (0.0, 0, "About 1 in 10,000 strangers would pass"),
        ],
    )
    def test_count_strangers_in_whole_thousands(self, alarms, people, words):
        assert words in false_matches_sentence(choice(alarms), people)

    def test_claim_nothing_from_a_handful_of_pictures(self):
        assert "not known yet" in refused_sentence(rate_of(0, 29))
        assert refused_sentence(rate_of(0, 30)).startswith("None of 30 pictures")
        assert refused_sentence(rate_of(2, 400)).startswith("2 of 400 pictures")


class TestPage:
    def test_leads_with_the_three_and_saves_the_one_that_is_chosen(self, operator_client, engine, settings):
        settings.FACESITE_LIVENESS = None
        page = operator_client.get("/verification/calibration/")
        levels = page.context["levels"]
        assert [level.title for level in levels] == ["Strict", "Balanced", "Relaxed"]
        assert [level.title for level in levels if level.chosen] == ["Balanced"]
        liveness = page.context["chosen_before"]["liveness"]
        answer = operator_client.post("/verification/calibration/", {"fmr": levels[0].rate, "liveness": liveness})
        assertRedirects(answer, "/verification/calibration/")
        saved = saved_policy()
        assert saved
        assert (saved.fmr, saved.liveness) == ("0.00001", liveness)
        assertContains(operator_client.get("/verification/calibration/"), 'strictness__card is-chosen"', count=1)
