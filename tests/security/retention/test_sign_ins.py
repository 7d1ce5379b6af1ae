"""What signing in leaves behind goes; whoever is signed in stays so."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone

from security.models import FailedSignIns, KnownAddress
from security.retention import sign_ins


@pytest.mark.django_db
class TestEndedSessions:
    def test_are_erased_a_day_after_they_ran_out(self):
        now = timezone.now()
        for name, hours in (("long ago", -25), ("a day ago", -24), ("just now", -1), ("open", 5)):
            Session.objects.create(session_key=name, session_data="", expire_date=now + timedelta(hours=hours))
        assert sign_ins.count_due(now, 1) == 1
        assert [sign_ins.erase_batch(now, 1, 10) for _ in range(2)] == [1, 0]
        assert set(Session.objects.values_list("pk", flat=True)) == {"a day ago", "just now", "open"}

    def test_go_in_batches(self):
        now = timezone.now()
        for name in "abc":
            Session.objects.create(session_key=name, session_data="", expire_date=now - timedelta(days=9))
        assert [sign_ins.erase_batch(now, 1, 2) for _ in range(3)] == [2, 1, 0]


@pytest.mark.django_db
class TestFailedSignIns:
    def test_go_after_a_day(self):
        now = timezone.now()
        for name, hours in (("old", 25), ("young", 23)):
            FailedSignIns.objects.create(key=name, failures=3, last_at=now - timedelta(hours=hours))
        assert sign_ins.count_failures(now, 1) == 1
        assert [sign_ins.erase_failures(now, 1, 10) for _ in range(2)] == [1, 0]
        assert FailedSignIns.objects.get().key == "young"


@pytest.mark.django_db
class TestKnownAddresses:
    def test_go_after_90_days(self, operator):
        now = timezone.now()
        for name, days in (("old", 91), ("young", 89)):
            KnownAddress.objects.create(operator=operator, address=name, last_at=now - timedelta(days=days))
        assert sign_ins.count_addresses(now, 90) == 1
        assert [sign_ins.erase_addresses(now, 90, 10) for _ in range(2)] == [1, 0]
        assert KnownAddress.objects.get().address == "young"
