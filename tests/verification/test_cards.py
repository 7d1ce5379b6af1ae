from __future__ import annotations

import pytest

from enrollment.models import Person
from verification.cards import card_of, headline_of, one_in
from verification.models import VerificationAttempt, VerificationPolicy
from verification.policy import population_of

ADA = Person(name="Ada")


def attempt(**values) -> VerificationAttempt:
    defaults = {
        "mode": "identify",
        "source": "live",
        "verdict": "match",
        "matched_person": ADA,
        "comparison_score": 0.62,
        "runner_up": 0.1,
        "match_threshold": 0.31,
        "fmr": 1e-4,
        "frames_agreed": 3,
        "frames_seen": 4,
    }
    return VerificationAttempt(**(defaults | values))


def facts_of(**values) -> dict[str, str]:
    return dict(card_of(attempt(**values)).facts)


class TestHeadline:
    @pytest.mark.parametrize(
        ("mode", "verdict", "headline"),
        [
            ("identify", "match", "This is Ada"),
            ("identify", "non_match", "Nobody who is enrolled"),
            ("identify", "uncertain", "It cannot be said who this is"),
            ("identify", "attack", "Not a live face"),
            ("verify", "match", "Yes, this is Ada"),
            ("verify", "non_match", "No, this is not Ada"),
            ("verify", "uncertain", "It cannot be said whether this is Ada"),
            ("verify", "attack", "Not a live face"),
        ],
    )
    def test_answers_the_question_that_was_asked(self, mode, verdict, headline):
        claimed = ADA if mode == "verify" else None
        matched = ADA if verdict == "match" else None
        row = attempt(mode=mode, verdict=verdict, claimed_person=claimed, matched_person=matched)
        assert headline_of(row) == headline

    @pytest.mark.parametrize("mode", ["identify", "verify"])
    def test_speaks_of_an_erased_person_when_the_name_is_gone(self, mode):
        assert headline_of(attempt(mode=mode, matched_person=None)).endswith("his is an erased person")


class TestFacts:
    def test_the_threshold_is_inclusive(self):
        assert "reaches" in facts_of(comparison_score=0.31)["Comparison"]
        assert "is below" in facts_of(comparison_score=0.3099)["Comparison"]

    def test_a_score_just_below_the_threshold_is_told_from_it(self):
        comparison = facts_of(comparison_score=0.30996, match_threshold=0.31)["Comparison"]
        assert comparison == "0.30996 is below the 0.31000 that a match needs."
        assert facts_of(comparison_score=0.31004, match_threshold=0.31)["Comparison"].startswith("0.310 reaches")

    @pytest.mark.parametrize(
        ("score", "reasons"),
        [(0.62, ["threshold_raised"]), (0.4, ["known_confusion"]), (0.62, ["known_confusion", "threshold_raised"])],
    )
    def test_a_raised_threshold_is_not_said_to_stand_for_the_policys_rate(self, score, reasons):
        threshold = facts_of(comparison_score=score, match_threshold=0.5, reasons=reasons)["Threshold"]
        assert threshold == (
            "Raised for faces like this one: stricter than what stands for 1 in 10,000 comparisons of two different "
            "people."
        )

    def test_the_threshold_stands_with_what_its_rate_was_measured_on(self):
        facts = dict(card_of(attempt(), population="on LFW").facts)
        assert facts["Threshold"] == (
            "Set so that 1 in 10,000 comparisons of two different people on LFW would match by mistake."
        )

    @pytest.mark.parametrize(
        ("contract_id", "population"), [("a-space", "in this site's own gallery"), ("another-space", "")]
    )
    def test_a_threshold_of_the_site_s_own_counts_in_its_own_embedding_space(self, contract_id, population):
        policy = VerificationPolicy(match_threshold=0.4, contract_id="a-space")
        assert population_of(attempt(policy=policy, contract_id=contract_id)) == population

    def test_a_lead_that_is_too_small_raises_no_threshold(self):
        assert facts_of(reasons=["known_confusion"])["Threshold"].startswith("Set so that 1 in 10,000")

    def test_nobody_is_asked_to_move_in_a_photograph(self):
        reasons = ["low_quality", "face_too_small", "below_threshold"]
        live, photo = (card_of(attempt(source=source, reasons=reasons)).reasons for source in ("live", "photo"))
        assert "Move closer to the camera." in live
        assert "closer to the camera" not in " ".join(photo)
        assert photo[2] == live[2]

    def test_say_when_there_was_nobody_to_compare_with(self):
        facts = facts_of(verdict="non_match", comparison_score=None, runner_up=None, matched_person=None)
        assert facts["Comparison"] == "There was nobody to compare with."
        assert "Runner-up" not in facts

    def test_a_claim_has_no_runner_up(self):
        assert "Runner-up" not in facts_of(mode="verify", claimed_person=ADA)

    def test_a_single_person_in_the_gallery_has_no_runner_up(self):
        assert facts_of(runner_up=None)["Runner-up"] == "Nobody else to compare with."

    def test_a_still_picture_has_no_frames_to_agree(self):
        assert facts_of(source="photo")["Frames"] == "One still picture."

    def test_liveness_that_was_not_checked_is_not_scored(self):
        assert facts_of(liveness_verdict="not_checked")["Liveness"] == "Not checked."

    def test_liveness_that_head_movements_have_shown_says_so(self):
        shown = facts_of(liveness_verdict="bona_fide", liveness_score=0.6, reasons=["challenge_passed"])["Liveness"]
        assert shown == "Live person, shown by head movements (liveness score 0.60, from 0 to 1)."


class TestOneIn:
    @pytest.mark.parametrize(("rate", "words"), [(1e-3, "1 in 1,000"), (1e-4, "1 in 10,000"), (1e-5, "1 in 100,000")])
    def test_puts_a_rate_into_words(self, rate, words):
        assert one_in(rate) == words
