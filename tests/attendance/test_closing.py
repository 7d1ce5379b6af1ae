from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest
from django.utils import timezone

from attendance.closing import TASK, close_open_days
from attendance.models import Punch
from attendance.punches import services
from attendance.reports.selectors import open_punches
from enrollment.models import Person
from security.daily import daily_tasks, run_task
from security.models import AuditEvent
from tests.attendance.schedules.rows import make_old_hand, make_schedule

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 3, 2, tzinfo=timezone.get_default_timezone())
TUESDAY_NIGHT = MONDAY + timedelta(days=1, hours=3)


def punch(person, direction: str, hour: float, **values) -> Punch:
    """hour: on Monday, 2 March 2026"""
    at = MONDAY + timedelta(hours=hour)
    return Punch.objects.create(person=person, direction=direction, at=at, **({"way": "face"} | values))


def rule(staff, closing: str = "schedule", at: time | None = None) -> None:
    services.save_attendance_policy(actor=staff, cameras="all", cooldown_minutes=2, closing=closing, closing_time=at)


def ends(person) -> list[tuple[float, str]]:
    """(hour on Monday, way) of the check-outs that count"""
    found = person.punches.filter(direction="out", voided_at=None).order_by("at")
    return [((each.at - MONDAY) / timedelta(hours=1), each.way) for each in found]


class TestOpenDays:
    def test_stay_open_until_the_site_has_a_rule(self):
        punch(make_old_hand(), "in", 9)
        assert close_open_days(TUESDAY_NIGHT) == 0

    def test_are_closed_at_the_end_of_the_schedule_with_who_and_why(self, staff):
        make_schedule()
        rule(staff)
        ada = make_old_hand()
        punch(ada, "in", 9)
        assert close_open_days(TUESDAY_NIGHT) == 1
        assert ends(ada) == [(17, "rule")]
        made = ada.punches.get(way="rule")
        assert made.policy
        assert (made.policy.saved_by, made.reason) == (staff, "nobody checked out; closed at the end of Office")
        row = AuditEvent.objects.order_by("-number")[0]
        assert (row.action, row.target) == ("punch.by_rule", f"punch:{made.uuid}")
        assert close_open_days(TUESDAY_NIGHT) == 0

    def test_are_closed_at_a_time_of_day_be_it_on_the_next(self, staff):
        rule(staff, "time", time(2))
        ada = make_old_hand()
        punch(ada, "in", 18)
        assert close_open_days(TUESDAY_NIGHT) == 1
        assert ends(ada) == [(26, "rule")]

    def test_stay_open_while_the_moment_has_not_come_or_nothing_is_planned(self, staff):
        make_schedule(starts_at=time(22), ends_at=time(6))
        rule(staff)
        ada = make_old_hand()
        punch(ada, "in", 22)
        assert close_open_days(TUESDAY_NIGHT) == 0
        assert close_open_days(TUESDAY_NIGHT + timedelta(days=1)) == 1
        bo = make_old_hand("Bo")
        punch(bo, "in", 30.5)  # after the end of Monday's night, before Tuesday's: only Tuesday's plan counts
        assert close_open_days(MONDAY + timedelta(days=3)) == 1
        assert ends(bo) == [(54, "rule")]

    def test_that_hold_a_later_punch_are_left_to_somebody(self, staff):
        make_schedule()
        rule(staff)
        ada = make_old_hand()
        for hour in (9, 13):
            punch(ada, "in", hour)
        assert [close_open_days(TUESDAY_NIGHT) for _ in range(3)] == [1, 0, 0]
        assert [each.at - MONDAY for each in open_punches(TUESDAY_NIGHT)] == [timedelta(hours=9)]

    def test_are_not_closed_again_once_somebody_took_that_back(self, staff, operator):
        make_schedule()
        rule(staff)
        ada = make_old_hand()
        punch(ada, "in", 9)
        close_open_days(TUESDAY_NIGHT)
        services.void_punch(actor=operator, punch=ada.punches.get(way="rule"), reason="worked until eight")
        assert close_open_days(TUESDAY_NIGHT) == 0
        assert ends(ada) == []

    def test_of_somebody_who_is_erased_meanwhile_stop_nobody_elses(self, staff):
        rule(staff, "time", time(23, 59))
        ada, bo = make_old_hand(), make_old_hand()
        punch(ada, "in", 9)
        punch(bo, "in", 9)

        def erase_the_other() -> None:
            Person.objects.exclude(punches__direction="out").delete()

        assert close_open_days(MONDAY + timedelta(days=2), pause=erase_the_other) == 1

    def test_of_today_stay_open(self, staff):
        rule(staff, "time", time(12))
        punch(make_old_hand(), "in", 9)
        assert close_open_days(MONDAY + timedelta(hours=13)) == 0


class TestTheDailyTask:
    def test_closes_what_is_due(self, staff):
        rule(staff, "time", time(23, 59))
        ada = make_old_hand()
        yesterday = timezone.localtime().replace(hour=9) - timedelta(days=1)
        Punch.objects.create(person=ada, direction="in", way="face", at=yesterday)
        assert TASK in daily_tasks.by_name
        run_task(TASK, asked_by="command")
        assert ada.punches.get(direction="out").way == "rule"


class TestThePolicyPage:
    def test_wants_a_time_where_the_rule_needs_one(self, staff_client):
        said = {"cameras": "all", "cooldown_minutes": 2, "closing": "time", "closing_time": ""}
        page = staff_client.post("/attendance/policy/", said)
        assert page.status_code == 400
        assert "Say at which time of day." in page.content.decode()
        staff_client.post("/attendance/policy/", said | {"closing_time": "18:30"})
        assert services.current_attendance_policy().closing_time == time(18, 30)

    def test_days_closed_by_rule_say_so(self, staff, staff_client):
        make_schedule()
        rule(staff)
        ada = make_old_hand()
        punch(ada, "in", 9)
        close_open_days(TUESDAY_NIGHT)
        page = staff_client.get(f"/attendance/people/{ada.uuid}/?on=2026-03-02").content.decode()
        assert "Closed by rule" in page
        assert f"Rule of {staff}: nobody checked out; closed at the end of Office" in page
