from __future__ import annotations

from datetime import date, time

import pytest

from attendance.models import DayOff, Schedule
from security.models import AuditEvent
from tests.attendance.schedules.rows import make_group, make_schedule

pytestmark = pytest.mark.django_db
SAID = {
    "name": "Office",
    "weekdays": ["5", "1"],
    "starts_at": "09:00",
    "ends_at": "17:30",
    "grace_minutes": "10",
    "valid_from": "2026-03-01",
    "valid_until": "",
}


def newest_row() -> AuditEvent:
    return AuditEvent.objects.order_by("-number")[0]


class TestSchedules:
    def test_are_made_and_stand_on_record(self, staff_client):
        page = staff_client.post("/attendance/schedules/new/", SAID, follow=True)
        assert "Office was saved." in page.content.decode()
        kept = Schedule.objects.get()
        assert (kept.weekdays, kept.starts_at, kept.valid_until) == ("15", time(9), None)
        assert "Mon, Fri" in page.content.decode()
        assert (newest_row().action, newest_row().facts["after"]["ends_at"]) == ("schedule.saved", "17:30:00")

    def test_are_changed_and_what_they_were_is_kept_too(self, staff_client):
        kept = make_schedule()
        staff_client.post(f"/attendance/schedules/{kept.pk}/", SAID | {"valid_until": "2026-12-31"})
        kept.refresh_from_db()
        assert kept.valid_until == date(2026, 12, 31)
        assert newest_row().facts["before"]["valid_until"] is None

    def test_are_given_to_groups_and_back_to_everybody(self, staff_client):
        kitchen, kept = make_group("Kitchen"), make_schedule()
        address, said = f"/attendance/schedules/{kept.pk}/", SAID | {"whom": "groups"}
        empty = staff_client.post(address, said)
        assert (empty.status_code, Schedule.objects.get().for_everybody) == (400, True)
        assert "Choose at least one group, or everybody." in empty.content.decode()
        page = staff_client.post(address, said | {"groups": [kitchen.pk]}, follow=True).content.decode()
        assert "Kitchen" in page
        assert (list(kept.groups.all()), Schedule.objects.get().for_everybody) == ([kitchen], False)
        assert [newest_row().facts[when]["groups"] for when in ("before", "after")] == [None, ["Kitchen"]]
        kitchen.delete()
        assert "Nobody: its groups are gone" in staff_client.get("/attendance/schedules/").content.decode()
        assert "Choose at least one group" in staff_client.post(address, said).content.decode()
        staff_client.post(address, SAID | {"whom": "everybody"})
        assert Schedule.objects.get().for_everybody

    @pytest.mark.parametrize(
        ("said", "sentence"),
        [
            ({"weekdays": []}, "Choose at least one day of the week."),
            ({"ends_at": "09:00"}, "The end is the same as the start."),
            ({"valid_until": "2026-02-01"}, "This day is before the first one."),
        ],
    )
    def test_that_make_no_sense_are_refused_beside_the_field(self, staff_client, said, sentence):
        page = staff_client.post("/attendance/schedules/new/", SAID | said)
        assert page.status_code == 400
        assert sentence in page.content.decode()
        assert not Schedule.objects.exists()

    def test_are_removed(self, staff_client):
        staff_client.post(f"/attendance/schedules/{make_schedule().pk}/delete/")
        assert not Schedule.objects.exists()
        assert newest_row().action == "schedule.deleted"


class TestDaysOff:
    def test_are_added_once_each_and_removed(self, staff_client):
        said = {"day": "2026-12-25", "name": "Christmas Day"}
        assert (
            "Christmas Day is a day off now."
            in staff_client.post("/attendance/schedules/", said, follow=True).content.decode()
        )
        again = staff_client.post("/attendance/schedules/", said)
        assert again.status_code == 400
        assert "This day is off already." in again.content.decode()
        staff_client.post(f"/attendance/days-off/{DayOff.objects.get().pk}/delete/")
        assert not DayOff.objects.exists()
        assert newest_row().action == "day_off.deleted"
