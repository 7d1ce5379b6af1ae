"""The chain in a real database, changed behind the product's back."""

from __future__ import annotations

import pytest
from django.db.models import F

from security.audit import stored
from security.audit.actions import Action
from security.audit.recording import hash_of, record
from security.audit.sealing import seal_now
from security.audit.signing import SigningKey, site_key
from security.audit.stored import verify_stored
from security.models import AuditCheck, AuditEvent, AuditHead, AuditSeal

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def rows() -> list[AuditEvent]:
    return [record(Action.POLICY_SAVED, actor=None, target=number, fmr=0.001 * number) for number in range(1, 9)]


def found() -> tuple[str, int]:
    problem = verify_stored().problem
    assert problem is not None
    return problem.kind, problem.number


def rewrite_from(number: int) -> None:
    """What somebody does who can write to the database and knows how the chain is made."""
    last = AuditEvent.objects.get(number=number - 1).hash
    for event in AuditEvent.objects.filter(number__gte=number).order_by("number"):
        event.previous_hash, event.actor = last, "operator:666"
        event.hash = last = hash_of(event)
        event.save()
    AuditHead.objects.update(hash=last)


class TestVerifyStored:
    def test_all_rows_are_whole(self, rows):
        report = verify_stored()
        assert (report.problem, report.rows, report.first, report.through) == (None, 8, 1, 8)

    def test_reads_a_chunk_at_a_time(self, monkeypatch, django_assert_num_queries):
        monkeypatch.setattr(stored, "CHUNK", 3)
        seal_now()
        with django_assert_num_queries(2 + 1 + 4 + 2 + 1):  # ends, seals, rows, what is behind, the result
            assert verify_stored().rows == 8

    @pytest.mark.parametrize(
        "change",
        [
            {"action": "person.erased"},
            {"actor": "operator:2"},
            {"target": "policy:99"},
            {"facts": {}},
            {"source": "192.0.2.1"},
            {"previous_hash": "0" * 64},
        ],
        ids=lambda change: next(iter(change)),
    )
    def test_names_the_row_that_was_changed(self, change):
        AuditEvent.objects.filter(number=5).update(**change)
        assert found() == ("changed", 5)

    def test_a_microsecond_is_a_change(self, rows):
        AuditEvent.objects.filter(number=5).update(
            at=rows[4].at.replace(microsecond=(rows[4].at.microsecond + 1) % 10**6)
        )
        assert found() == ("changed", 5)

    def test_names_the_row_that_was_removed(self):
        AuditEvent.objects.filter(number=5).delete()
        assert found() == ("removed", 5)

    def test_names_the_first_row_when_it_was_removed(self):
        AuditEvent.objects.filter(number=1).delete()
        assert found() == ("removed", 1)

    def test_names_the_last_row_when_it_was_removed(self):
        AuditEvent.objects.filter(number=8).delete()
        assert found() == ("removed", 8)

    def test_names_a_row_that_was_put_behind_the_end(self, rows):
        AuditEvent.objects.create(number=9, at=rows[0].at, action="x", actor="x", previous_hash=rows[7].hash, hash="x")
        assert found() == ("inserted", 9)

    def test_names_a_row_that_was_put_in_between(self, rows):
        for event in AuditEvent.objects.filter(number__gte=5).order_by("-number"):
            AuditEvent.objects.filter(pk=event.pk).update(number=F("number") + 1)
        AuditHead.objects.update(number=9)
        AuditEvent.objects.create(
            number=5, at=rows[0].at, action="x", actor="x", previous_hash=rows[3].hash, hash="0" * 64
        )
        assert found() == ("inserted", 5)

    def test_a_removed_end_is_noticed_without_the_record_of_it(self, rows):
        seal_now()
        AuditEvent.objects.filter(number__gt=6).delete()
        AuditHead.objects.update(number=6, hash=rows[5].hash)
        assert found() == ("removed", 7)

    def test_a_chain_written_anew_does_not_fit_its_seal(self):
        seal_now()
        record(Action.POLICY_SAVED, actor=None)
        rewrite_from(4)
        assert found() == ("changed", 1)  # among the rows since the seal before, of which there is none
        AuditSeal.objects.all().delete()
        assert verify_stored().problem is None  # what a seal is for

    def test_a_seal_of_a_key_that_is_not_the_sites_is_not_believed(self, rows):
        forged = SigningKey(b"f" * 32).seal("day", 8, rows[7].hash)
        AuditSeal.objects.create(
            kind="day", number=8, hash=forged.hash, at=rows[7].at, key=forged.key, signature=forged.signature
        )
        assert found() == ("key", 8)

    def test_keys_of_before_can_be_named(self, settings):
        seal_now()
        old = site_key().public
        settings.FACESITE_AUDIT_KEY = "bmV3LWtleS1uZXcta2V5LW5ldy1rZXktbmV3LWtleS0="
        assert found() == ("key", 8)
        assert verify_stored([old]).problem is None

    def test_the_result_is_kept_for_the_page(self):
        AuditEvent.objects.filter(number=5).delete()
        verify_stored()
        assert AuditCheck.objects.get().problem.startswith("Row 5 was removed")
