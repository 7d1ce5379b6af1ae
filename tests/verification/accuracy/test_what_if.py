"""The last weeks under another threshold."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.asserts import assertContains, assertNotContains

from recognizer.types import DecisionPolicy
from tests.verification.rows import make_attempt, make_person
from verification.accuracy import history
from verification.accuracy.history import PastAttempt, PastDecision, read_history
from verification.accuracy.what_if import judge_again, replay, steps_in_words
from verification.models import VerificationAttempt

PAGE = "/verification/calibration/what-if/"
POLICY = DecisionPolicy(
    match_threshold=0.4, uncertain_threshold=0.3, fmr=1e-4, thresholds=((1e-3, 0.3), (1e-4, 0.4), (1e-5, 0.5))
)


def past(score: float | None, verdict: str, *reasons: str, **values) -> PastDecision:
    defaults: dict[str, Any] = {
        "pk": 1,
        "mode": "identify",
        "verdict": verdict,
        "comparison_score": score,
        "runner_up": 0.1,
        "reasons": json.dumps(reasons),
    }
    return PastDecision(**(defaults | values))


class TestJudgeAgain:
    @pytest.mark.parametrize(
        ("attempt", "verdict"),
        [
            (past(0.45, "match"), "match"),
            (past(0.38, "match"), "uncertain"),
            (past(0.25, "match"), "non_match"),
            (past(0.40, "uncertain", "between_thresholds"), "match"),
            (past(0.35, "uncertain", "between_thresholds"), "uncertain"),
            (past(0.29, "uncertain", "between_thresholds"), "non_match"),
            (past(0.45, "non_match", "below_threshold"), "match"),
            (past(0.45, "uncertain", "margin_too_small", runner_up=0.42), "uncertain"),
            (past(0.45, "uncertain", "templates_disagree"), "uncertain"),
            (past(0.25, "uncertain", "low_quality", "blurred"), "uncertain"),
            (past(0.45, "uncertain", "low_quality", "blurred"), "match"),
            (past(0.45, "match", "challenge_passed"), "match"),
            (past(0.42, "match", mode="verify", runner_up=None), "match"),
        ],
    )
    def test_follows_the_score(self, attempt, verdict):
        changed = judge_again(attempt, POLICY)
        assert changed is not None
        assert changed.verdict == verdict

    @pytest.mark.parametrize(
        "attempt",
        [
            past(0.9, "attack", "liveness_attack"),
            past(0.9, "uncertain", "liveness_uncertain", "between_thresholds"),
            past(0.9, "uncertain", "known_confusion"),
            past(0.9, "match", "threshold_raised"),
            past(0.9, "uncertain", "mouth_hidden"),
            past(0.9, "uncertain", "a_reason_of_a_later_version"),
            past(None, "non_match", "gallery_empty"),
        ],
    )
    def test_leaves_alone_what_something_else_decided(self, attempt):
        assert judge_again(attempt, POLICY) is None

    def test_says_what_the_history_does_not_tell(self):
        newly = judge_again(past(0.45, "non_match", "below_threshold"), POLICY)
        assert newly is not None
        assert "second picture" in newly.reservation
        claimed = judge_again(past(0.45, "non_match", "below_threshold", mode="verify"), POLICY)
        assert claimed is not None
        assert claimed.reservation == ""


class TestReplay:
    def test_a_search_goes_by_the_number_of_people_and_a_claim_does_not(self):
        searched, claimed = past(0.45, "match"), past(0.45, "match", mode="verify", runner_up=None)
        assert replay([searched, claimed], POLICY, 20).changes == ()
        [changed] = replay([searched, claimed], POLICY, 200).changes  # a search needs 0.5 among 200
        assert (changed.attempt, changed.verdict) == (searched, "uncertain")

    def test_counts_what_changes_and_what_nothing_can_change(self):
        found = replay(
            [past(0.38, "match"), past(0.37, "match"), past(0.2, "match"), past(0.9, "attack"), past(0.9, "match")],
            POLICY,
            1,
        )
        assert (found.replayed, found.untouched) == (4, 1)
        assert steps_in_words(found.counts) == ["2 from Match to Uncertain", "1 from Match to No match"]


@pytest.mark.django_db
class TestReadHistory:
    def test_takes_the_days_and_the_embedding_space_that_were_asked_for(self):
        now = timezone.now()
        wanted = make_attempt(created_at=now - timedelta(days=29))
        make_attempt(created_at=now - timedelta(days=31))
        make_attempt(contract_id="another")
        found = read_history(PastDecision, "test-contract", 30)
        assert ([one.pk for one in found.attempts], found.cut) == ([wanted.pk], False)

    @pytest.mark.parametrize(("kind", "spared"), [(PastDecision, "created_at"), (PastAttempt, "reasons")])
    def test_reads_what_was_asked_for_alone(self, django_assert_num_queries, kind, spared):
        """Of 20,000 attempts a column that nobody looks at keeps the page waiting."""
        attempt = make_attempt(reasons=["challenge_passed"])
        with django_assert_num_queries(2) as asked:
            [found] = read_history(kind, "test-contract", 30).attempts
        own = {name: getattr(attempt, name) for name in kind._fields}
        assert found._asdict() == own | ({"reasons": '["challenge_passed"]'} if "reasons" in own else {})
        columns, _, _ = asked[1]["sql"].partition("FROM")
        assert not any(name in columns for name in ("thumbnail", "uuid", spared))

    def test_after_a_switch_of_packs_a_month_of_the_formers_is_not_looked_through(self, monkeypatch):
        now = timezone.now()
        monkeypatch.setattr(history, "LOOKED_THROUGH", 3)
        make_attempt(created_at=now - timedelta(days=9))
        for days in (3, 2):
            make_attempt(created_at=now - timedelta(days=days), contract_id="former")
        newest = make_attempt(created_at=now - timedelta(days=1))
        found = read_history(PastDecision, "test-contract", 30)
        assert [one.pk for one in found.attempts] == [newest.pk]
        assert found.since == now - timedelta(days=3)

    def test_says_when_there_were_too_many(self, monkeypatch):
        monkeypatch.setattr(history, "MOST_ATTEMPTS", 2)
        newest = [make_attempt().pk for _ in range(3)][:0:-1]
        found = read_history(PastDecision, "test-contract", 30)
        assert ([one.pk for one in found.attempts], found.cut) == (newest, True)


@pytest.mark.django_db
class TestPage:
    def test_is_for_those_who_see_the_calibration(self, receptionist_client, staff_client, engine):
        assert receptionist_client.get(PAGE).status_code == 403
        assertContains(staff_client.get(PAGE), "Nothing is changed or stored.")

    def test_lists_what_would_be_decided_otherwise_with_links(self, staff_client, engine):
        ada = make_person("Ada")
        kept = make_attempt(comparison_score=0.9, contract_id=engine.contract_id)
        lost = make_attempt(comparison_score=0.62, contract_id=engine.contract_id, matched_person=ada)
        page = staff_client.get(PAGE, {"threshold": "0.65"})
        assertContains(page, "1 attempt would have been decided otherwise")
        assertContains(page, f"/verification/attempts/{lost.uuid}/")
        assertContains(page, "1 from Match to Uncertain")
        assertNotContains(page, f"/verification/attempts/{kept.uuid}/")
        assert VerificationAttempt.objects.get(pk=lost.pk).verdict == "match"

    def test_takes_one_of_the_rates_instead(self, staff_client, engine):
        make_attempt(comparison_score=0.9, contract_id=engine.contract_id)
        assertContains(staff_client.get(PAGE, {"fmr": "0.00001"}), "Nothing would have been decided otherwise")

    @pytest.mark.parametrize(
        "asked", [{"fmr": "0.0001", "threshold": "0.4"}, {"fmr": "", "threshold": ""}, {"threshold": "2"}, {"fmr": "1"}]
    )
    def test_says_what_it_does_not_understand(self, staff_client, engine, asked):
        assert staff_client.get(PAGE, asked).status_code == 400
