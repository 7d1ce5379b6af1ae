from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from enrollment.models import Person
from security.models import Lease
from security.statements import MOST_VALUES, insert_row, insert_rows, locked_rows, write_field
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


def test_one_field_is_written_and_no_other():
    (person,) = named("Ann")
    person.name, person.last_seen_at = "Not written", timezone.now()
    write_field(person, "last_seen_at")
    assert Person.objects.values_list("name", "last_seen_at").get() == ("Ann", person.last_seen_at)


def test_what_the_database_forbids_is_raised():
    insert_row(Lease(name="upkeep"))
    with pytest.raises(IntegrityError):
        insert_row(Lease(name="upkeep"))


def named(*names: str) -> list[Person]:
    return [Person.objects.create(name=name, external_id=f"E-{name}") for name in names]


def test_rows_are_read_as_django_reads_them():
    people = named("Zoë", "Ann", "Bo")
    Person.objects.filter(pk=people[1].pk).update(valid_from=timezone.localdate(), is_active=False)
    wanted = [people[2].uuid, people[1].uuid]
    found = locked_rows(Person, "uuid", wanted)
    expected = list(Person.objects.filter(uuid__in=wanted).order_by("pk"))
    assert found == expected
    assert [vars(row) | {"_state": None} for row in found] == [vars(row) | {"_state": None} for row in expected]
    found[0].name = "Anna"
    found[0].save()  # an update, no second row
    assert Person.objects.count() == 3


def test_rows_are_locked_where_the_database_can():
    (person,) = named("Ann")
    with CaptureQueriesContext(
        connection,
    ) as asked:
        locked_rows(Person, "uuid", [person.uuid])
    (statement,) = (each["sql"] for each in asked.captured_queries)
    assert ("FOR UPDATE" in statement) == connection.features.has_select_for_update


@pytest.mark.django_db(transaction=True)
def test_nothing_is_locked_outside_of_a_transaction():
    (person,) = named("Ann")
    with pytest.raises(TransactionManagementError):
        locked_rows(Person, "uuid", [person.uuid])
    with transaction.atomic():
        assert locked_rows(Person, "uuid", [person.uuid]) == [person]


def test_many_rows_are_written_as_each_by_itself_and_know_their_keys():
    people = [Person(name=f"Person {number}") for number in range(MOST_VALUES // 4)]
    with CaptureQueriesContext(connection) as queries:
        insert_rows(people)
    if connection.features.can_return_rows_from_bulk_insert:
        assert 1 < len(queries) < len(people) / 10
    assert dict(Person.objects.values_list("pk", "name")) == {person.pk: person.name for person in people}
    assert {person._state.adding for person in people} == {False}
    insert_rows([])
