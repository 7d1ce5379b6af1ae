from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from security.allowing import NotAllowed
from security.audit import pruning
from security.audit.actions import Action
from security.audit.pruning import count_prunable, prune_audit
from security.audit.recording import record
from security.audit.sealing import seal_now
from security.audit.stored import verify_stored
from security.models import AuditEvent, AuditSeal

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def rows() -> list[AuditEvent]:
    rows = [record(Action.POLICY_SAVED, actor=None, target=number) for number in range(1, 9)]
    seal_now()
    return rows


class TestPruneAudit:
    def test_takes_the_oldest_away_and_the_chain_is_whole_from_there_on(self, rows):
        assert count_prunable(rows[5].at) == 5
        assert prune_audit(actor=None, before=rows[5].at) == 5
        report = verify_stored()
        assert (report.problem, report.first, report.rows) == (None, 6, 4)
        last = AuditEvent.objects.get(number=9)
        assert (last.action, last.facts["rows"], last.facts["through"]) == ("audit.pruned", 5, 5)

    def test_again_and_again(self, rows):
        for number in (2, 4, 6):
            prune_audit(actor=None, before=rows[number].at)
        assert verify_stored().problem is None

    def test_in_batches(self, rows, monkeypatch):
        monkeypatch.setattr(pruning, "BATCH", 2)
        assert prune_audit(actor=None, before=rows[5].at) == 5
        assert verify_stored().problem is None

    def test_the_newest_row_always_stays(self):
        assert prune_audit(actor=None, before=timezone.now() + timedelta(days=1)) == 7
        assert verify_stored().problem is None

    def test_what_is_removed_beside_it_is_still_noticed(self, rows):
        prune_audit(actor=None, before=rows[3].at)
        AuditEvent.objects.filter(number__in=[4, 5]).delete()
        problem = verify_stored().problem
        assert problem is not None
        assert (problem.kind, problem.number) == ("removed", 4)

    def test_without_the_signature_nobody_believes_that_it_was_retention(self, rows):
        prune_audit(actor=None, before=rows[3].at)
        AuditSeal.objects.filter(kind="anchor").delete()
        problem = verify_stored().problem
        assert problem is not None
        assert (problem.kind, problem.number) == ("removed", 1)

    def test_nothing_old_leaves_no_row(self, rows):
        assert prune_audit(actor=None, before=rows[0].at) == 0
        assert AuditEvent.objects.count() == 8

    def test_is_not_for_everybody(self, rows):
        with pytest.raises(NotAllowed):
            prune_audit(actor=User.objects.create_user("olivia"), before=rows[5].at)
        assert AuditEvent.objects.count() == 8
