from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from icalendar import Calendar

from attendance.models import Punch
from security.models import AuditEvent
from security.roles.table import Role
from tests.attendance.schedules.rows import make_group, make_old_hand, make_schedule
from tests.support.operators import make_client

pytestmark = pytest.mark.django_db
WEDNESDAY = datetime(2026, 3, 4, tzinfo=timezone.get_default_timezone())
AWKWARD = 'Zoë; O\'Brien, \\ the "second"'


@pytest.fixture
def zoe():
    """A day with a reason, one with a forgotten check-out, and days of absence."""
    make_schedule()
    person = make_old_hand(AWKWARD)
    for hour, direction, reason in ((9, "in", ""), (17, "out", "lost; the badge, \\n here"), (33, "in", "")):
        at = WEDNESDAY + timedelta(hours=hour, microseconds=7)
        way = "manual" if reason else "face"
        Punch.objects.create(person=person, direction=direction, way=way, at=at, reason=reason)
    return person


class TestACalendar:
    def test_is_read_back_as_what_was_written(self, staff_client, zoe):
        answer = staff_client.get(f"/attendance/people/{zoe.uuid}/export.ics?on=2026-03-04")
        assert answer["Content-Type"] == "text/calendar; charset=utf-8"
        assert all(len(line) <= 75 for line in answer.content.split(b"\r\n"))
        events: list[Any] = Calendar.from_ical(answer.content).walk("VEVENT")
        said = {str(event["summary"]): event for event in events}
        here, forgotten = said[f"{AWKWARD}: here"], said[f"{AWKWARD}: check-in without a check-out"]
        assert here["dtstart"].dt == (WEDNESDAY + timedelta(hours=9)).astimezone(UTC)
        assert here["dtend"].dt - here["dtstart"].dt == timedelta(hours=8)
        assert str(here["description"]) == "Check-out: lost; the badge, \\n here"
        assert str(here["uid"]) == f"{zoe.punches.earliest('at').uuid}@facesite"
        assert forgotten["dtstart"].dt == forgotten["dtend"].dt
        absent = [event["dtstart"].dt for event in events if str(event["summary"]) == f"{AWKWARD}: absent"]
        assert absent == [date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 6)]

    def test_of_a_group_holds_everybody_in_it_and_nobody_else(self, staff_client, zoe, monkeypatch):
        make_old_hand("Somebody Else")
        group = make_group("Kitchen", zoe, make_old_hand("Ada"))
        address = f"/attendance/days/export.ics?on=2026-03-04&group={group.uuid}"
        calendar: Any = Calendar.from_ical(staff_client.get(address).content)
        names = {str(event["summary"]).rpartition(":")[0] for event in calendar.walk("VEVENT")}
        assert (str(calendar["x-wr-calname"]), names) == ("Attendance of Kitchen", {AWKWARD, "Ada"})
        assert AuditEvent.objects.order_by("-number")[0].facts["people"] == 2
        monkeypatch.setattr("attendance.reports.calendars.MOST_DAYS_IN_A_CALENDAR", 13)
        refused = staff_client.get(address)
        assert (refused.status_code, b"Choose a group, or fewer days" in refused.content) == (400, True)

    def test_is_on_record_and_for_those_who_may_export(self, staff_client, zoe):
        address = f"/attendance/people/{zoe.uuid}/export.ics"
        assert make_client(Role.MANAGER).get(address).status_code == 403
        staff_client.get(address)
        row = AuditEvent.objects.order_by("-number")[0]
        assert (row.action, row.facts["format"]) == ("export.attendance", "ics")
        assert staff_client.get(f"{address}?on=never").status_code == 400
