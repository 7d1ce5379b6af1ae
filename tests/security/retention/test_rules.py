"""The registry of rules, and which days a site may choose."""

from __future__ import annotations

from typing import Any

import pytest

from security.retention.rules import RetentionRule, RetentionRules


def rule(**changes) -> RetentionRule:
    given: dict[str, Any] = {
        "key": "letters",
        "label": "Letters",
        "explanation": "Old letters.",
        "count_due": lambda now, days: 0,
        "erase_batch": lambda now, days, limit: 0,
        "default_days": None,
    }
    return RetentionRule(**(given | changes))


class TestRefusal:
    @pytest.mark.parametrize("days", [None, 1, 30, 3650])
    def test_is_empty_for_days_between_floor_and_ceiling_and_for_keeping(self, days):
        assert rule().refusal(days) == ""

    def test_names_both_ends(self):
        assert rule().refusal(4000) == "Letters: choose between 1 and 3,650 days."

    def test_says_why_there_is_a_floor(self):
        strict = rule(least_days=365, floor_reason="Who did what must be answerable for a year.")
        assert strict.refusal(364).endswith("365 and 3,650 days. Who did what must be answerable for a year.")
        assert strict.refusal(365) == ""

    def test_of_keeping_what_may_not_be_kept(self):
        assert "cannot be kept for good" in rule(may_keep=False).refusal(None)


class TestRegister:
    def test_keeps_the_order_and_takes_a_key_once(self):
        rules = RetentionRules()
        for key in ("a", "b", "a"):
            rules.register(rule(key=key))
        assert [each.key for each in rules] == ["a", "b"]
