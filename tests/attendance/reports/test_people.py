"""Whom a report of a day is about, and by which way the database finds them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from attendance.models import Punch
from attendance.reports.people import Asked, ByName, Show, keys_of, people_of_day
from attendance.reports.spans import Length, Span
from attendance.schedules.plans import Timetable, read_timetable
from enrollment.models import Person
from tests.attendance.schedules.rows import make_group, make_old_hand, make_schedule
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
        found = people_of_day(asked(), timetable, NOW)
        people = Person.objects.in_bulk()
        assert [people[key].name for key in ByName(asked(), found[show])] == names

    def test_a_page_reads_names_only_as_far_as_it_needs_them(self, monkeypatch, django_assert_num_queries):
        monkeypatch.setattr("attendance.reports.people.FIRST_NAMES", 2)
        everybody = people_of_day(asked(), read_timetable(), NOW)[Show.EVERYBODY]
        by_name = ByName(asked(), everybody)
        whole = list(by_name)
        with django_assert_num_queries(1):
            assert by_name[0:2] == whole[:2]
        with django_assert_num_queries(2):
            assert by_name[2:5] == whole[2:5]
        assert by_name[5:50] == whole[5:]

    def test_has_everybody_whom_the_week_has_that_has_nothing_else(self):
        timetable = read_timetable()
        of_week = keys_of(Asked(Span(Length.WEEK, DAY, DAY)), timetable, NOW)
        assert list(keys_of(asked(), timetable, NOW)) == list(of_week)
        assert len(of_week) == 7

    def test_is_late_by_the_schedule_that_counts_for_the_group(self):
        early = make_group("Early shift", Person.objects.get(name="In time"), Person.objects.get(name="Late"))
        make_schedule(valid_from=DAY, starts_at=time(8), groups=[early])
        late = people_of_day(asked(), read_timetable(), NOW)[Show.LATE]
        assert {person.name for person in Person.objects.all() if person.pk in late} == {"In time", "Late"}

    def test_is_narrowed_down_to_a_word_and_a_group(self):
        group = make_group("Forgetful", *Person.objects.filter(name__startswith="Forgot"))
        for narrowed in (replace(asked(), text="forgot"), replace(asked(), group=group)):
            found = people_of_day(narrowed, read_timetable(), NOW)
            sizes = {show.value: len(keys) for show, keys in found.items() if keys}
            assert sizes == {"": 1, "present": 1, "missing": 1}

    def test_reads_each_check_in_once_and_leaves_the_comparing_to_python(self, django_assert_num_queries):
        """Each list of who came that a database makes for itself takes a tenth of a second for 200,000 people."""
        timetable = read_timetable()
        with django_assert_num_queries(5) as queries:
            people_of_day(asked(), timetable, NOW)
        assert not [query for query in queries if "IN (SELECT" in query["sql"]]


if connection.vendor == "sqlite":  # a server's plan depends on how many rows there are

    class TestTheWay:
        def test_leads_through_indexes_that_hold_all_that_is_asked(self, django_assert_num_queries):
            """A day's check-outs by the thousand are no way to the few who lack a check-in."""
            with django_assert_num_queries(1) as queries:
                list(keys_of(Asked(Span(Length.WEEK, DAY, DAY)), NOBODY_EXPECTED, NOW))
            [plan] = plans_of(queries)
            assert "USING COVERING INDEX who_came_when" in plan
            assert "USING COVERING INDEX punches_alone" in plan
