"""The oldest rows of the audit trail go, a year at least stays, and the rest is still a whole chain."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from security.audit.actions import Action
from security.audit.recording import record
from security.audit.stored import verify_stored
from security.models import AuditEvent
from security.retention.audit_rows import RULE


@pytest.mark.django_db
class TestAuditRows:
    def test_go_in_batches_and_leave_a_chain_that_holds(self):
        for _ in range(5):
            record(Action.POLICY_SAVED, actor=None)
        later = timezone.now() + timedelta(days=400)

        assert RULE.count_due(later, 365) == 4  # the newest row always stays
        assert RULE.erase_batch(later, 365, 2) == 2
        assert verify_stored().problem is None
        assert AuditEvent.objects.order_by("number").values_list("number", flat=True).first() == 3

    def test_young_rows_stay(self):
        record(Action.POLICY_SAVED, actor=None)
        assert RULE.erase_batch(timezone.now() + timedelta(days=364), 365, 10) == 0

    def test_less_than_a_year_is_refused_with_the_reason(self):
        assert RULE.refusal(364).endswith("The audit trail must cover a year at least.")
        assert RULE.refusal(365) == ""
