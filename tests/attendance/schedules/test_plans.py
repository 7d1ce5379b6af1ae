from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from django.utils import timezone

from attendance.models import DayOff
from attendance.schedules.plans import read_timetable
from tests.attendance.schedules.rows import LONG_AGO, make_old_hand, make_schedule

pytestmark = pytest.mark.django_db
MONDAY, SATURDAY = date(2026, 3, 2), date(2026, 3, 7)


def local(day: date, hour: int, minute: int = 0) -> datetime:
    return timezone.make_aware(datetime.combine(day, time(hour, minute)))


class TestAPlan:
    def test_says_when_somebody_is_expected_and_when_they_are_late(self):
        make_schedule(grace_minutes=10)
        plan = read_timetable().plan_for(make_old_hand(), MONDAY)
        assert plan
        assert (plan.starts, plan.due, plan.ends) == (local(MONDAY, 9), local(MONDAY, 9, 10), local(MONDAY, 17))

    def test_of_a_night_ends_on_the_next_day(self):
        make_schedule(starts_at=time(22), ends_at=time(6))
        plan = read_timetable().plan_for(make_old_hand(), MONDAY)
        assert plan
        assert plan.ends == local(MONDAY + timedelta(days=1), 6)

    def test_is_missing_on_other_days_of_the_week_and_on_days_off(self):
        make_schedule()
        DayOff.objects.create(day=MONDAY, name="Founders' day")
        ada, timetable = make_old_hand(), read_timetable()
        assert [timetable.plan_for(ada, day) for day in (MONDAY, SATURDAY)] == [None, None]
        assert timetable.plan_for(ada, MONDAY + timedelta(days=1))

    def test_is_missing_before_the_first_day_and_after_the_last(self):
        make_schedule(valid_from=date(2026, 3, 3), valid_until=date(2026, 3, 4))
        ada, timetable = make_old_hand(), read_timetable()
        days = [MONDAY + timedelta(days=number) for number in range(4)]
        assert [bool(timetable.plan_for(ada, day)) for day in days] == [False, True, True, False]

    def test_follows_the_schedule_that_began_last(self):
        make_schedule("Old")
        make_schedule("New", valid_from=MONDAY)
        ada, timetable = make_old_hand(), read_timetable()
        names = [timetable.plan_for(ada, day).schedule.name for day in (MONDAY - timedelta(days=3), MONDAY)]  # type: ignore[union-attr]
        assert names == ["Old", "New"]

    def test_begins_the_day_after_enrolment_and_ends_when_somebody_is_deactivated(self):
        make_schedule()
        ada = make_old_hand(is_active=False, deactivated_at=local(MONDAY, 12))
        timetable = read_timetable()
        enrolled = LONG_AGO.date()
        days = (enrolled, enrolled + timedelta(days=1), MONDAY - timedelta(days=3), MONDAY)
        assert [bool(timetable.plan_for(ada, day)) for day in days] == [False, True, True, False]
