"""Sign-ins that have ended go; whoever is signed in stays so."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone

from security.retention import sessions


@pytest.mark.django_db
class TestEndedSessions:
    def test_are_erased_a_day_after_they_ran_out(self):
        now = timezone.now()
        for name, hours in (("long ago", -25), ("a day ago", -24), ("just now", -1), ("open", 5)):
            Session.objects.create(session_key=name, session_data="", expire_date=now + timedelta(hours=hours))
        assert sessions.count_due(now, 1) == 1
        assert [sessions.erase_batch(now, 1, 10) for _ in range(2)] == [1, 0]
        assert set(Session.objects.values_list("pk", flat=True)) == {"a day ago", "just now", "open"}

    def test_go_in_batches(self):
        now = timezone.now()
        for name in "abc":
            Session.objects.create(session_key=name, session_data="", expire_date=now - timedelta(days=9))
        assert [sessions.erase_batch(now, 1, 2) for _ in range(3)] == [2, 1, 0]
