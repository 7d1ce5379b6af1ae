from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import transaction

from security.audit.actions import Action
from security.audit.recording import hash_of, record, record_all, record_each
from security.audit.stored import verify_stored
from security.models import AuditEvent, AuditHead
from security.source import coming_from

pytestmark = pytest.mark.django_db

FACTS = {
    "before": {"t": 0.1 + 0.2, "tiny": 5e-324, "large": 1e22, "one": 1.0},
    "words": "Zoë \U0001f600 \u2028",
    "list": (1, None),
}


class TestRecord:
    def test_reads_the_same_again_from_the_database(self):
        written = record(Action.POLICY_SAVED, actor=None, target=7, **FACTS)
        read = AuditEvent.objects.get()
        assert hash_of(read) == read.hash == written.hash
        assert read.facts == {**FACTS, "list": [1, None]}
        assert read.at == written.at

    def test_rows_are_numbered_and_chained(self):
        rows = [record(Action.POLICY_SAVED, actor=None) for _ in range(3)]
        assert [row.number for row in rows] == [1, 2, 3]
        assert [row.previous_hash for row in rows] == ["", rows[0].hash, rows[1].hash]
        assert AuditHead.objects.get().hash == rows[2].hash

    def test_says_who(self, operator):
        assert record(Action.POLICY_SAVED, actor=operator).actor == f"operator:{operator.pk}"
        assert record(Action.POLICY_SAVED, actor=AnonymousUser()).actor == "anonymous"
        assert record(Action.POLICY_SAVED, actor=None).actor == "product"
        with coming_from("command enroll_folder"):
            assert record(Action.POLICY_SAVED, actor=None).actor == "command"

    def test_says_from_where(self):
        with coming_from("192.0.2.7"):
            assert record(Action.POLICY_SAVED, actor=None).source == "192.0.2.7"
        assert record(Action.POLICY_SAVED, actor=None).source == "product"

    def test_facts_that_are_no_json_are_refused_before_anything_is_written(self):
        with pytest.raises(ValueError):
            record(Action.POLICY_SAVED, actor=None, score=float("nan"))
        with pytest.raises(TypeError):
            record(Action.POLICY_SAVED, actor=None, thing=object())
        assert not AuditEvent.objects.exists()

    def test_a_rolled_back_change_leaves_no_row(self):
        with transaction.atomic():
            record(Action.POLICY_SAVED, actor=None)
            transaction.set_rollback(True)
        record(Action.POLICY_SAVED, actor=None)
        assert verify_stored().rows == 1

    def test_costs_three_queries_however_many_targets(self, django_assert_num_queries):
        with django_assert_num_queries(3):
            rows = record_all(Action.PERSON_ACTIVATED, actor=None, targets=range(1, 50))
        assert len(rows) == 49
        assert verify_stored().problem is None

    def test_works_in_a_database_that_was_flushed(self):
        AuditHead.objects.all().delete()
        assert record(Action.POLICY_SAVED, actor=None).number == 1


@pytest.mark.django_db(transaction=True)
class TestOutsideATransaction:
    def test_is_refused(self):
        with pytest.raises(RuntimeError, match="transaction"):
            record(Action.POLICY_SAVED, actor=None)


class TestRecordEach:
    def test_each_change_has_facts_of_its_own_in_one_chain(self):
        changes = [(Action.PERSON_ENROLLED, "a", {"samples": 1}), (Action.PERSON_ENROLLED, "b", {"samples": 2})]
        rows = record_each(actor=None, changes=changes)
        assert [(row.target, row.facts) for row in rows] == [
            ("person:a", {"samples": 1}),
            ("person:b", {"samples": 2}),
        ]
        assert verify_stored().rows == 2

    def test_each_is_told_by_itself(self, monkeypatch):
        told = []
        monkeypatch.setattr(
            "security.audit.recording.happened", lambda what, about, facts: told.append((what, about, facts))
        )
        record_each(actor=None, changes=[(Action.POLICY_SAVED, 7, {"a": 1}), (Action.POLICY_SAVED, 8, {"a": 2})])
        assert told == [("policy.saved", [7], {"a": 1}), ("policy.saved", [8], {"a": 2})]
