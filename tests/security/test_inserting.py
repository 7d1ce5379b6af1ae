from __future__ import annotations

import pytest
from django.db import IntegrityError
from django.utils import timezone

from security.inserting import insert_row
from security.models import Lease
from verification.models import VerificationAttempt

pytestmark = pytest.mark.django_db


def an_attempt() -> VerificationAttempt:
    return VerificationAttempt(
        mode="identify",
        source="api",
        verdict="non_match",
        comparison_score=0.25,
        match_threshold=0.4,
        fmr=1e-4,
        liveness_verdict="not_checked",
        quality_score=0.8,
        frames_agreed=1,
        frames_seen=1,
        reasons=["below_threshold", "ünïcode"],
        contract_id="mobile-0",
        gallery_revision=3,
        thumbnail=b"\x00sealed",
    )


def test_a_row_is_written_as_djangos_own_insert_writes_it():
    ours, djangos = an_attempt(), an_attempt()
    ours.created_at = djangos.created_at = timezone.now()
    djangos.uuid = ours.uuid.__class__(int=ours.uuid.int ^ 1)
    insert_row(ours)
    djangos.save(force_insert=True)
    written, expected = (
        dict(VerificationAttempt.objects.filter(pk=each.pk).values().get()) for each in (ours, djangos)
    )
    assert written["uuid"] == ours.uuid
    assert written | {"id": djangos.pk, "uuid": djangos.uuid} == expected


def test_the_row_is_as_one_that_was_read():
    attempt = an_attempt()
    insert_row(attempt)
    assert attempt.pk is not None
    assert attempt._state.adding is False
    attempt.verdict = "match"
    attempt.save()  # an update, no second row
    assert VerificationAttempt.objects.get().verdict == "match"


def test_what_the_database_forbids_is_raised():
    insert_row(Lease(name="upkeep"))
    with pytest.raises(IntegrityError):
        insert_row(Lease(name="upkeep"))
