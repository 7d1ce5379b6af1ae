from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from attendance.models import Punch
from attendance.retention import count_punches, erase_punches
from attendance.rights import held_about
from tests.verification.rows import make_person

pytestmark = pytest.mark.django_db


def test_a_copy_of_what_is_held_about_somebody_has_their_punches_and_nobody_elses():
    ada, bo = make_person("Ada"), make_person("Bo")
    at = timezone.now()
    own = Punch.objects.create(person=ada, direction="in", way="manual", at=at, reason="lost the badge")
    Punch.objects.create(person=bo, direction="in", way="face", at=at)
    (held,) = held_about(ada)
    (row,) = held.rows
    assert (held.name, row["punch"], row["reason"]) == ("punches", str(own.uuid), "lost the badge")


def test_old_punches_are_erased_in_batches():
    ada, now = make_person(), timezone.now()
    for days in (10, 800, 900):
        Punch.objects.create(person=ada, direction="in", way="face", at=now - timedelta(days=days))
    assert count_punches(now, 730) == 2
    assert erase_punches(now, 730, 1) == 1
    assert erase_punches(now, 730, 10) == 1
    assert Punch.objects.count() == 1
