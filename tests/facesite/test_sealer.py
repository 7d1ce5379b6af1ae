from __future__ import annotations

import logging
import time

import pytest

from facesite import sealer as module
from facesite.sealer import Sealer
from security.audit.actions import Action
from security.audit.recording import record
from security.models import AuditSeal


@pytest.mark.django_db
class TestSeal:
    @pytest.fixture(autouse=True)
    def row(self, monkeypatch) -> None:
        monkeypatch.setattr(module, "close_old_connections", lambda: None)  # the test's own
        record(Action.POLICY_SAVED, actor=None)

    def test_seals_what_is_due(self):
        Sealer().seal()
        assert AuditSeal.objects.get().number == 1

    def test_a_key_that_cannot_be_used_is_logged_and_ends_nothing(self, settings, caplog):
        settings.FACESITE_AUDIT_KEY = "broken"
        with caplog.at_level(logging.ERROR):
            Sealer().seal()
        (line,) = caplog.records
        assert "32 bytes" in line.data["reason"]


class TestTheThread:
    def test_looks_again_and_again_until_it_is_stopped(self, monkeypatch):
        seen = []
        monkeypatch.setattr(module, "FIRST_S", 0.01)
        monkeypatch.setattr(module, "EVERY_S", 0.01)
        sealer = Sealer()
        monkeypatch.setattr(sealer, "seal", lambda: seen.append(1))
        sealer.start()
        sealer.start()
        deadline = time.monotonic() + 10
        while len(seen) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
        sealer.stop()
        assert len(seen) >= 3
