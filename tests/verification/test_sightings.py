"""The column of people stays right whatever becomes of their attempts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from enrollment.models import Person
from enrollment.services import erase_people
from recognizer.types import Verdict
from tests.verification.rows import make_attempt, make_person
from tests.verification.test_services import record
from verification import retention
from verification.models import FalseMatch, VerificationAttempt
from verification.sightings import look_up_again, note_seen

pytestmark = pytest.mark.django_db

NOW = timezone.now()


def last_seen(person: Person):
    return Person.objects.values_list("last_seen_at", flat=True).get(pk=person.pk)


def seen(person: Person, days: float, **values) -> VerificationAttempt:
    """An attempt so many days ago, as services.record_attempt() leaves it."""
    attempt = make_attempt(matched_person=person, created_at=NOW - timedelta(days=days), **values)
    note_seen(attempt)
    return attempt


class TestADecision:
    def test_that_names_somebody_is_when_they_were_seen(self):
        person = make_person()
        assert last_seen(person) is None
        assert [record(person_id=str(person.uuid)).created_at for _ in range(2)][-1] == last_seen(person)

    def test_that_does_not_name_them_leaves_it(self):
        person = make_person()
        record(claimed=str(person.uuid), verdict=Verdict.NON_MATCH, person_id=str(person.uuid))
        assert last_seen(person) is None

    def test_that_comes_after_a_newer_one_leaves_it(self):
        person = make_person()
        newer = seen(person, 1)
        seen(person, 2)
        assert last_seen(person) == newer.created_at


class TestRetention:
    def test_leaves_whoever_was_seen_since(self):
        ada, bob = make_person("Ada"), make_person("Bob")
        for person, days in ((ada, 400), (bob, 401), (bob, 3)):
            kept = seen(person, days)
        assert retention.erase_attempts(NOW, 365, 10) == 2
        assert (last_seen(ada), last_seen(bob)) == (None, kept.created_at)

    def test_says_what_is_left_after_each_batch(self):
        """The oldest go first, so whoever waits for the next batch was still seen."""
        ada = make_person("Ada")
        older, newer = seen(ada, 401), seen(ada, 400)
        assert (retention.erase_attempts(NOW, 365, 1), last_seen(ada)) == (1, newer.created_at)
        assert (retention.erase_attempts(NOW, 365, 1), last_seen(ada)) == (1, None)
        assert older.created_at < newer.created_at


class TestAWrongMatch:
    def test_of_an_erased_other_person_counts_again(self):
        ada, bob = make_person("Ada"), make_person("Bob")
        first, wrong = seen(ada, 5), seen(ada, 1)
        FalseMatch.objects.create(attempt=wrong, person=ada, other_person=bob)
        look_up_again([ada.pk])
        assert last_seen(ada) == first.created_at
        erase_people(actor=None, people=[bob])
        assert last_seen(ada) == wrong.created_at


@pytest.mark.django_db(transaction=True)
class TestMigration:
    def test_fills_the_column_for_what_was_decided_before(self):
        ada, bob, cy = (make_person(name) for name in ("Ada", "Bob", "Cy"))
        first, second = (make_attempt(matched_person=ada, created_at=NOW - timedelta(days=n)) for n in (2, 1))
        wrong = make_attempt(matched_person=bob)
        FalseMatch.objects.create(attempt=wrong, person=bob)
        leaves = MigrationExecutor(connection).loader.graph.leaf_nodes()
        MigrationExecutor(connection).migrate(
            [("verification", "0021_who_was_named_when"), ("enrollment", "0028_people_by_enrolment")]
        )
        MigrationExecutor(connection).migrate(leaves)
        assert [last_seen(person) for person in (ada, bob, cy)] == [second.created_at, None, None]
        assert first.created_at < second.created_at
