from __future__ import annotations

import logging

import pytest

from security.audit.actions import Action
from security.audit.recording import record
from security.audit.sealing import seal_now
from security.audit.stored import verify_stored
from security.daily import run_task
from security.models import AuditCheck, AuditEvent, AuditSeal

pytestmark = pytest.mark.django_db


@pytest.fixture
def row() -> AuditEvent:
    return record(Action.POLICY_SAVED, actor=None)


class TestSealNow:
    def test_an_empty_trail_is_not_sealed(self):
        assert seal_now() is None

    def test_the_first_row_is_sealed(self, row):
        sealed = seal_now()
        assert sealed is not None
        assert (sealed.number, sealed.hash) == (1, row.hash)
        assert verify_stored().sealed_through == 1

    def test_nothing_new_needs_no_other_seal(self, row):
        assert seal_now() == seal_now()
        assert AuditSeal.objects.count() == 1

    def test_the_product_does_it_every_day(self, row):
        run_task("audit_seal", asked_by="product")
        assert AuditSeal.objects.get().number == 1

    def test_what_does_not_fit_is_not_sealed_and_the_log_and_the_page_say_so(self, row, caplog):
        seal_now()
        for _ in range(3):
            record(Action.POLICY_SAVED, actor=None)
        AuditEvent.objects.filter(number=3).update(actor="operator:2")
        caplog.clear()
        with caplog.at_level(logging.ERROR, "facesite.audit"):
            assert seal_now() is None
        assert [line.message for line in caplog.records] == ["audit_broken"]
        assert "Row 3" in AuditCheck.objects.order_by("-pk")[0].problem
        assert AuditSeal.objects.count() == 1

    def test_the_log_keeps_what_was_sealed(self, row, caplog):
        with caplog.at_level(logging.INFO, "facesite.audit"):
            seal_now()
        (line,) = caplog.records
        assert line.data["hash"] == row.hash
