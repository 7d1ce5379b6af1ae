"""Databases of earlier releases keep every consent: two columns of people become records."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

pytestmark = pytest.mark.django_db(transaction=True)

BEFORE = ("enrollment", "0010_first_consent_text")
RECORDS = ("enrollment", "0012_records_of_people")
WHEN = datetime(2025, 3, 4, 5, 6, tzinfo=UTC)


def migrate(target: tuple[str, str]) -> Any:
    executor = MigrationExecutor(connection)
    executor.migrate([target])
    return executor.loader.project_state([target]).apps


@pytest.fixture
def apps() -> Iterator[Any]:
    """The models as they were before there were records. Afterwards the database is as every other test has it."""
    latest = MigrationExecutor(connection).loader.graph.leaf_nodes()  # of every app: others build on enrolment
    yield migrate(BEFORE)
    MigrationExecutor(connection).loader.build_graph()
    MigrationExecutor(connection).migrate(latest)


class TestRecordsOfPeople:
    def test_nothing_that_was_known_is_lost(self, apps, operator):
        people = apps.get_model("enrollment", "Person")
        for name, version in (("Ada", "2025-1"), ("Imported", "folder-import"), ("Own text", "door-7")):
            people.objects.create(name=name, consent_version=version, consent_given_at=WHEN, created_by_id=operator.pk)
        apps.get_model("enrollment", "ConsentText").objects.get_or_create(
            language="en", number=1, defaults={"body": "I agree."}
        )
        records = migrate(RECORDS).get_model("enrollment", "ConsentRecord").objects.order_by("person__name")
        found = [
            (
                record.how,
                record.legal_basis,
                record.text and f"{record.text.language}-{record.text.number}",
                record.note,
            )
            for record in records
        ]
        assert found == [
            ("ticked", "consent", "en-1", ""),
            ("imported_without", "", None, ""),
            ("ticked", "consent", None, 'Text version "door-7" of an earlier release'),
        ]
        assert [record.given_at for record in records] == [WHEN, None, WHEN]
        assert {record.recorded_at for record in records} == {WHEN}
        assert [record.given_to_id for record in records] == [operator.pk, None, operator.pk]
        assert not migrate(RECORDS).get_model("enrollment", "Person").objects.exclude(consents__isnull=False).exists()
