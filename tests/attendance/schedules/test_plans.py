from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from django.utils import timezone

from attendance.models import DayOff
from attendance.schedules.plans import read_timetable
from enrollment.models import Person, PersonGroup
from tests.attendance.schedules.rows import LONG_AGO, make_group, make_old_hand, make_schedule

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


class TestASchedulesGroups:
    def names_on(self, day: date, *people: Person) -> list[str | None]:
        """Asked of each person and of the database, which must agree."""
        timetable, names = read_timetable(), {}
        for plan, whom in timetable.plans_on(day):
            for person in Person.objects.filter(whom):
                assert person.pk not in names, "somebody is in two plans"
                names[person.pk] = plan.schedule.name
        plans = [timetable.plan_for(person, day) for person in people]
        said = [plan.schedule.name if plan else None for plan in plans]
        assert said == [names.get(person.pk) for person in people]
        expected = Person.objects.filter(timetable.expected_on(day, local(day, 23)))
        assert {person.pk for person in expected} == names.keys()
        return said

    def test_have_it_and_the_others_have_everybodys(self):
        ada, bao = make_old_hand("Ada"), make_old_hand("Bao")
        make_schedule("Office", valid_from=date(2026, 2, 1))
        make_schedule("Early", starts_at=time(6), groups=[make_group("Kitchen", ada)])
        assert self.names_on(MONDAY, ada, bao) == ["Early", "Office"]

    def test_are_free_of_everybodys_on_days_that_theirs_leaves_out_until_it_ends(self):
        ada, bao = make_old_hand("Ada"), make_old_hand("Bao")
        make_schedule("Office")
        make_schedule("Weekend", weekdays="67", valid_until=date(2026, 3, 8), groups=[make_group("Guards", ada)])
        assert self.names_on(MONDAY, ada, bao) == [None, "Office"]
        assert self.names_on(SATURDAY, ada, bao) == ["Weekend", None]
        assert self.names_on(MONDAY + timedelta(days=7), ada, bao) == ["Office", "Office"]

    def test_of_several_that_somebody_is_in_the_one_whose_schedule_began_last_counts(self):
        ada, bao, eve = make_old_hand("Ada"), make_old_hand("Bao"), make_old_hand("Eve")
        make_schedule("Office")
        make_schedule("Late", valid_from=date(2026, 2, 1), groups=[make_group("Bar", ada, bao)])
        make_schedule("Early", valid_from=date(2026, 1, 15), groups=[make_group("Kitchen", ada, eve)])
        assert self.names_on(MONDAY, ada, bao, eve) == ["Late", "Late", "Early"]

    def test_that_are_gone_leave_it_to_nobody(self):
        ada = make_old_hand("Ada")
        make_schedule("Early", groups=[make_group("Kitchen", ada)])
        PersonGroup.objects.all().delete()
        assert self.names_on(MONDAY, ada) == [None]
