"""Whom a report of a day is about, and by which way the database finds them."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from attendance.models import Punch
from attendance.reports.people import Asked, Show, count_of_each, people_of
from attendance.reports.spans import Length, Span
from attendance.schedules.plans import Timetable, read_timetable
from enrollment.models import Person
from tests.attendance.schedules.rows import make_old_hand, make_schedule
from tests.support.plans import plans_of

pytestmark = pytest.mark.django_db
DAY = date(2026, 3, 4)
MORNING = timezone.make_aware(datetime(2026, 3, 4, 8))
NOW = MORNING + timedelta(days=3)
NOBODY_EXPECTED = Timetable((), {})


def person_with(name: str, *punches: tuple[str, float]) -> Person:
    """punches: direction, hours after eight."""
    person = make_old_hand(name)
    for direction, hours in punches:
        Punch.objects.create(person=person, direction=direction, way="face", at=MORNING + timedelta(hours=hours))
    return person


def asked(show: Show = Show.EVERYBODY) -> Asked:
    return Asked(Span(Length.DAY, DAY, DAY), show=show)


class TestADay:
    @pytest.fixture(autouse=True)
    def _people(self):
        make_schedule(valid_from=DAY)  # from nine, with five minutes
        person_with("In time", ("in", 0.9), ("out", 8))
        person_with("Just in time", ("in", 1 + 5 / 60), ("out", 8))
        person_with("Late", ("in", 1.1), ("out", 8))
        person_with("Back after lunch", ("in", 0.5), ("out", 4), ("in", 5), ("out", 9))
        person_with("Forgot to check in", ("out", 8))
        person_with("Away")
        person_with("Away that day", ("in", 24.5), ("out", 32))

    @pytest.mark.parametrize(
        ("show", "names"),
        [
            (Show.PRESENT, ["Back after lunch", "Forgot to check in", "In time", "Just in time", "Late"]),
            (Show.LATE, ["Late"]),
            (Show.ABSENT, ["Away", "Away that day"]),
            (Show.MISSING, ["Forgot to check in"]),
        ],
    )
    def test_has_each_in_their_place(self, show, names):
        timetable = read_timetable()
        assert [person.name for person in people_of(asked(show), timetable, NOW)] == names
        assert count_of_each(asked(), timetable, NOW)[show] == len(names)


if connection.vendor == "sqlite":  # a server's plan depends on how many rows there are

    class TestTheWay:
        def test_leads_through_indexes_that_hold_all_that_is_asked(self, django_assert_num_queries):
            """A day's check-outs by the thousand are no way to the few who lack a check-in."""
            with django_assert_num_queries(1) as queries:
                list(people_of(asked(Show.PRESENT), NOBODY_EXPECTED, NOW).values_list("pk"))
            [plan] = plans_of(queries)
            assert "USING COVERING INDEX who_came_when" in plan
            assert "USING COVERING INDEX punches_alone" in plan
