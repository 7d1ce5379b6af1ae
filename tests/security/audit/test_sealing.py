from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from django.utils import timezone

from security.audit.actions import Action
from security.audit.recording import record
from security.audit.sealing import seal_if_due, seal_now
from security.audit.stored import verify_stored
from security.models import AuditCheck, AuditEvent, AuditSeal

pytestmark = pytest.mark.django_db


@pytest.fixture
def row() -> AuditEvent:
    return record(Action.POLICY_SAVED, actor=None)


def a_day_passes() -> None:
    AuditSeal.objects.update(at=timezone.now() - timedelta(hours=25))


class TestSealIfDue:
    def test_an_empty_trail_is_not_sealed(self):
        assert seal_if_due() is None

    def test_the_first_row_is_sealed(self, row):
        sealed = seal_if_due()
        assert sealed is not None
        assert (sealed.number, sealed.hash) == (1, row.hash)
        assert verify_stored().sealed_through == 1

    def test_once_a_day(self, row):
        seal_if_due()
        record(Action.POLICY_SAVED, actor=None)
        assert seal_if_due() is None
        a_day_passes()
        sealed = seal_if_due()
        assert sealed is not None
        assert sealed.number == 2

    def test_nothing_new_needs_no_other_seal(self, row):
        first = seal_if_due()
        a_day_passes()
        assert seal_if_due() == first
        assert AuditSeal.objects.count() == 1


class TestSealNow:
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
