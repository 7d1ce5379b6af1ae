from __future__ import annotations

from datetime import date

import pytest

from enrollment.consent.policy import add_months, current_consent_policy, last_day
from enrollment.models import ConsentPolicy


class TestAddMonths:
    @pytest.mark.parametrize(
        ("day", "months", "later"),
        [
            (date(2026, 1, 31), 1, date(2026, 2, 28)),
            (date(2027, 12, 15), 2, date(2028, 2, 15)),
            (date(2026, 8, 31), 18, date(2028, 2, 29)),
            (date(2026, 11, 27), 24, date(2028, 11, 27)),
        ],
    )
    def test_keeps_to_the_shorter_months(self, day, months, later):
        assert add_months(day, months) == later


class TestLastDay:
    def test_is_open_without_months(self):
        assert last_day(ConsentPolicy()) is None

    def test_counts_from_the_day_it_was_given(self):
        assert last_day(ConsentPolicy(months=6), date(2026, 5, 3)) == date(2026, 11, 3)


@pytest.mark.django_db
class TestCurrentConsentPolicy:
    def test_asks_for_the_tick_and_waits_two_weeks_until_somebody_decides(self):
        policy = current_consent_policy()
        assert (policy.bases, policy.tick_required, policy.months, policy.grace_days) == (["consent"], True, None, 14)

    def test_is_what_was_saved_last(self):
        for days in (1, 2):
            ConsentPolicy.objects.create(grace_days=days)
        assert current_consent_policy().grace_days == 2
