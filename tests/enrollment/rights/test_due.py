from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from enrollment.consent.policy import current_consent_policy
from enrollment.models import ConsentPolicy, Person
from enrollment.rights.consenting import withdraw_consent
from enrollment.rights.due import ENDED_CONSENTS
from security.retention.policy import current_days, save_days
from security.retention.rules import retention_rules
from tests.support.consent import ON_PAPER

pytestmark = pytest.mark.django_db


class TestEndedConsents:
    def test_is_one_of_the_sites_rules_with_the_policys_days(self, staff):
        ConsentPolicy.objects.create(grace_days=5, months=12)
        assert retention_rules.by_key["ended_consents"] is ENDED_CONSENTS
        assert current_days()["ended_consents"] == 5
        save_days(actor=staff, days=current_days() | {"ended_consents": 7})
        policy = current_consent_policy()
        assert (policy.grace_days, policy.months) == (7, 12)

    def test_erases_who_is_due_and_nobody_before(self, enroll, staff):
        withdraw_consent(actor=staff, person=enroll("Ada", 1))
        soon, later = timezone.now() + timedelta(days=13), timezone.now() + timedelta(days=14)
        assert (ENDED_CONSENTS.count_due(soon, 14), ENDED_CONSENTS.erase_batch(soon, 14, 10)) == (0, 0)
        assert (ENDED_CONSENTS.count_due(later, 14), ENDED_CONSENTS.erase_batch(later, 14, 10)) == (1, 1)
        assert not Person.objects.exists()

    def test_takes_notice_of_consents_whose_last_day_is_over(self, enroll):
        today = timezone.localdate()
        ada = enroll("Ada", 1, consent=replace(ON_PAPER, valid_until=today))
        assert ENDED_CONSENTS.erase_batch(timezone.now() + timedelta(days=1), 14, 10) == 0
        assert ada.consents.get().erase_on == today + timedelta(days=15)
