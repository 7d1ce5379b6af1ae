"""Which punches have their other end: kept with each write, and for what was written before by the migration."""

from __future__ import annotations

from datetime import datetime, timedelta
from importlib import import_module
from itertools import permutations

import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone

from attendance.models import Punch
from attendance.punches.services import void_punch
from attendance.reports.selectors import came_and_stayed, open_punches
from attendance.reports.stays import stays_of
from enrollment.models import Person
from security.roles.table import Role
from tests.support.operators import make_operator
from tests.verification.rows import make_person

pytestmark = pytest.mark.django_db
MORNING = timezone.make_aware(datetime(2026, 3, 4, 8))
DAY = (("in", 0), ("out", 4), ("out", 5), ("in", 6), ("in", 7), ("out", 32), ("in", 33))
"""Direction and hour. The second check-out has no check-in, the first of two check-ins no check-out; the last check-out
comes a day and an hour after the check-in before it."""


@pytest.fixture
def ada() -> Person:
    return make_person("Ada")


def punch(person: Person, direction: str, hours: float) -> Punch:
    at = MORNING + timedelta(hours=hours)
    return Punch.objects.create(person=person, direction=direction, way="face", at=at)


def kept() -> set[int]:
    return set(Punch.objects.filter(voided_at=None, paired=True).values_list("pk", flat=True))


def expected() -> set[int]:
    """As the reports pair them."""
    stays = stays_of(Punch.objects.filter(voided_at=None).select_related("person"))
    return {end.pk for stay in stays if stay.came and stay.left for end in (stay.came, stay.left)}


class TestPairAgain:
    @pytest.mark.parametrize("order", list(permutations(range(4))))
    def test_the_order_in_which_punches_are_written_does_not_count(self, ada, order):
        day = (("in", 0), ("out", 4), ("in", 5), ("out", 9))
        for number in order:
            punch(ada, *day[number])
            assert kept() == expected()
        assert len(kept()) == 4

    def test_whoever_forgot_one_has_a_punch_alone(self, ada):
        for direction, hours in DAY:
            punch(ada, direction, hours)
            assert kept() == expected()
        assert len(kept()) == 2

    def test_a_punch_that_is_taken_back_leaves_the_other_alone(self, ada):
        manager = make_operator(Role.MANAGER)
        written = [punch(ada, direction, hours) for direction, hours in DAY]
        for each in written:
            void_punch(actor=manager, punch=each, reason="by mistake")
            assert kept() == expected()

    def test_what_lies_between_two_ends_parts_them_and_taken_back_joins_them(self, ada):
        came, left = punch(ada, "in", 0), punch(ada, "out", 8)
        between = punch(ada, "in", 4)
        assert kept() == {between.pk, left.pk}
        void_punch(actor=make_operator(Role.MANAGER), punch=between, reason="by mistake")
        assert kept() == {came.pk, left.pk}

    def test_nobody_is_paired_with_somebody_else(self, ada):
        punch(ada, "in", 0)
        punch(make_person("Bo"), "out", 1)
        assert kept() == set()


def test_what_was_written_before_is_paired_by_the_migration(ada):
    for person in (ada, make_person("Bo")):
        for direction, hours in DAY:
            punch(person, direction, hours)
    Punch.objects.update(paired=False)
    import_module("attendance.migrations.0014_punch_paired").pair_all(apps, None)
    assert kept() == expected() != set()


@pytest.mark.parametrize("asked", [open_punches, lambda: came_and_stayed(timezone.now())])
def test_whoever_forgot_a_punch_or_is_in_is_found_by_an_index(asked):
    plan = asked().explain()
    if connection.vendor == "sqlite":  # a server's depends on how many rows there are
        assert "USING INDEX punches_alone" in plan
