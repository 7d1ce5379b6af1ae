from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from attendance.models import Punch
from attendance.reports.stays import as_clock, days_of, stays_of
from enrollment.models import Person

MORNING = datetime(2026, 3, 4, 8, tzinfo=timezone.get_default_timezone())
ADA, BO = Person(pk=1, name="Ada"), Person(pk=2, name="Bo")


def punches(*said: tuple[Person, str, float]) -> list[Punch]:
    """(who, direction, hours after eight)"""
    return [
        Punch(pk=number, person=person, direction=direction, at=MORNING + timedelta(hours=hours))
        for number, (person, direction, hours) in enumerate(said)
    ]


def spans(*said: tuple[Person, str, float]) -> list[tuple[float | None, float | None]]:
    def hour(punch: Punch | None) -> float | None:
        return (punch.at - MORNING) / timedelta(hours=1) if punch else None

    return [(hour(stay.came), hour(stay.left)) for stay in stays_of(punches(*said))]


class TestStays:
    def test_are_a_check_in_and_the_check_out_after_it_in_whatever_order_they_come(self):
        assert spans((ADA, "out", 4), (ADA, "in", 0), (ADA, "out", 9), (ADA, "in", 5)) == [(0, 4), (5, 9)]

    def test_of_two_people_do_not_mix(self):
        assert spans((ADA, "in", 0), (BO, "out", 1), (BO, "in", 0.5), (ADA, "out", 2)) == [(0, 2), (0.5, 1)]

    def test_a_forgotten_check_out_leaves_one_open(self):
        assert spans((ADA, "in", 0), (ADA, "in", 5), (ADA, "out", 8)) == [(0, None), (5, 8)]

    def test_a_forgotten_check_in_leaves_a_stray_check_out(self):
        assert spans((ADA, "out", 4)) == [(None, 4)]

    def test_a_check_out_days_later_ends_nothing(self):
        assert spans((ADA, "in", 0), (ADA, "out", 25)) == [(0, None), (None, 25)]

    def test_somebody_who_is_in_has_an_open_one(self):
        assert spans((ADA, "in", 0)) == [(0, None)]


class TestDays:
    def test_hold_the_hours_of_their_stays_and_a_night_belongs_to_its_first_day(self):
        said = punches((ADA, "in", 0), (ADA, "out", 4.5), (BO, "in", 14), (BO, "out", 22))
        ada, bo = days_of(stays_of(said))
        assert (ada.person, ada.worked_clock) == (ADA, "4:30")
        assert (bo.person, bo.worked_clock, bo.day) == (BO, "8:00", MORNING.date())

    def test_the_newest_comes_first(self):
        said = punches((ADA, "in", 0), (ADA, "out", 1), (BO, "in", 24), (BO, "out", 25))
        assert [day.person for day in days_of(stays_of(said))] == [BO, ADA]

    def test_one_with_a_missing_punch_is_incomplete_once_it_is_over(self):
        (day,) = days_of(stays_of(punches((ADA, "in", 0))))
        assert not day.is_incomplete(MORNING + timedelta(hours=2))
        assert day.is_incomplete(MORNING + timedelta(hours=20))
        assert (day.first_in, day.last_out) == (MORNING, None)


def test_hours_are_written_as_on_a_clock():
    assert [as_clock(timedelta(minutes=minutes)) for minutes in (0, 5, 465, 1500)] == ["0:00", "0:05", "7:45", "25:00"]
