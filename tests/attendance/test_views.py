from __future__ import annotations

import csv
from datetime import datetime, timedelta
from io import BytesIO, StringIO

import pytest
from django.utils import timezone
from openpyxl import load_workbook

from attendance.models import AttendancePolicy, Punch
from security.models import AuditEvent
from security.roles.table import Role
from tests.support.downloads import downloaded
from tests.support.operators import make_client
from tests.verification.rows import make_attempt, make_person

pytestmark = pytest.mark.django_db


def punch(person, direction: str, ago: timedelta = timedelta(minutes=5), **values) -> Punch:
    values = {"way": "face", "at": timezone.now() - ago} | values
    return Punch.objects.create(person=person, direction=direction, **values)


@pytest.fixture
def a_day_long_ago() -> datetime:
    return timezone.make_aware(datetime(2026, 3, 4, 8))


class TestWhoIsIn:
    def test_names_those_whose_last_punch_is_a_check_in(self, receptionist_client):
        ada, bo, cy = make_person("Ada Lovelace"), make_person("Bo Diddley"), make_person("Cy Young")
        punch(ada, "in")
        punch(bo, "in", timedelta(minutes=9))
        punch(bo, "out")
        punch(cy, "in", timedelta(hours=25))
        page = receptionist_client.get("/attendance/")
        assert [stay.person for stay in page.context["inside"]] == [ada]
        assert "1 person on" in page.content.decode()

    def test_leaves_out_what_was_taken_back(self, receptionist_client):
        punch(make_person(), "in", voided_at=timezone.now())
        page = receptionist_client.get("/attendance/")
        assert page.context["inside"] == []
        assert "Nobody is in" in page.content.decode()

    def test_lists_days_on_which_somebody_forgot_to_check_out(self, operator_client):
        ada = make_person(external_id="A 1")
        punch(ada, "in", timedelta(days=3))
        page = operator_client.get("/attendance/")
        (day,) = page.context["open_days"]
        assert (day.person, day.last_out) == (ada, None)
        assert "?who=A%201" in page.content.decode()

    def test_shows_the_evidence_to_those_who_may_see_it(self, operator_client, receptionist_client):
        attempt = make_attempt()
        punch(make_person(), "in", timedelta(), attempt=attempt)
        link = f"/verification/attempts/{attempt.uuid}/"
        assert link in operator_client.get("/attendance/").content.decode()
        assert link not in receptionist_client.get("/attendance/").content.decode()


class TestWhatIsRead:
    @pytest.mark.parametrize("page", ["", "days/", "days/export.xlsx"])
    def test_no_picture_of_an_attempt_is_among_it(self, staff_client, django_assert_max_num_queries, page):
        """A month of punches would bring as many pictures along."""
        punch(make_person(), "in", timedelta(hours=2), attempt=make_attempt())
        with django_assert_max_num_queries(40) as asked:
            assert staff_client.get(f"/attendance/{page}").status_code == 200
        statements = [query["sql"] for query in asked.captured_queries]
        assert [sql for sql in statements if "attendance_punch" in sql]
        assert not [sql for sql in statements if "thumbnail" in sql]


class TestByHand:
    def test_a_person_is_found_by_name_and_the_punch_kept(self, operator_client, operator):
        ada = make_person("Ada Lovelace")
        at = timezone.localtime() - timedelta(hours=1)
        said = {"who": "ada", "direction": "in", "at": f"{at:%Y-%m-%dT%H:%M}", "reason": "lost the badge"}
        page = operator_client.post("/attendance/punches/new/", said, follow=True)
        assert "Check-in of Ada Lovelace was entered." in page.content.decode()
        kept = Punch.objects.get()
        assert (kept.person, kept.entered_by) == (ada, operator)
        assert kept.at == at.replace(second=0, microsecond=0)

    def test_of_several_who_fit_one_is_chosen(self, operator_client):
        ada, _ = make_person("Ada Lovelace"), make_person("Ada Yonath")
        said = {"who": "ada", "direction": "in", "at": "2026-11-20T08:30", "reason": "x"}
        page = operator_client.post("/attendance/punches/new/", said)
        assert page.status_code == 400
        assert f'value="{ada.uuid}"' in page.content.decode()
        assert not Punch.objects.exists()
        operator_client.post("/attendance/punches/new/", said | {"who": "", "person": str(ada.uuid)})
        assert Punch.objects.get().person == ada

    def test_nobody_is_asked_for_again(self, operator_client):
        page = operator_client.post(
            "/attendance/punches/new/", {"direction": "in", "at": "2026-11-20T08:30", "reason": "x"}
        )
        assert "Type a name or an external ID." in page.content.decode()

    def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_stays(self, operator_client):
        make_person("Ada Lovelace")
        said = {"who": "ada", "direction": "in", "at": "2099-01-01T08:30", "reason": "lost the badge"}
        page = operator_client.post("/attendance/punches/new/", said)
        assert page.status_code == 400
        assert "This moment has not come yet." in page.content.decode()
        assert 'value="lost the badge"' in page.content.decode()

    def test_one_is_taken_back_with_a_reason(self, operator_client):
        kept = punch(make_person("Ada Lovelace"), "in")
        address = f"/attendance/punches/{kept.uuid}/void/"
        assert "Say why" in operator_client.post(address, {"reason": ""}).content.decode()
        page = operator_client.post(address, {"reason": "passed by"}, follow=True)
        assert "Check-in of Ada Lovelace was taken back." in page.content.decode()
        kept.refresh_from_db()
        assert kept.void_reason == "passed by"

    def test_one_that_nobody_knows_is_not_found(self, operator_client):
        assert operator_client.get("/attendance/punches/6a2f0f0e-0000-4000-8000-000000000000/void/").status_code == 404


class TestDays:
    def test_hold_the_hours_of_those_who_fit(self, operator_client, a_day_long_ago):
        ada, bo = make_person("Ada Lovelace"), make_person("Bo Diddley")
        for person in (ada, bo):
            punch(person, "in", at=a_day_long_ago)
            punch(person, "out", at=a_day_long_ago + timedelta(hours=7, minutes=45))
        page = operator_client.get("/attendance/days/?since=2026-03-01&until=2026-03-07&q=love")
        ((day, incomplete),) = page.context["days"]
        assert (day.person, day.worked_clock, incomplete) == (ada, "7:45", False)
        assert page.context["total"] == "7:45"
        assert "<svg" in page.content.decode()

    def test_are_those_of_the_last_week_unless_somebody_asks_for_others(self, operator_client):
        page = operator_client.get("/attendance/days/")
        assert (page.context["until"] - page.context["since"]).days == 6
        assert page.context["until"] == timezone.localdate()

    @pytest.mark.parametrize(
        ("asked", "sentence"),
        [
            ("since=2026-03-07&until=2026-03-01", "This day is before the first one."),
            ("since=2026-01-01&until=2026-12-31", "Choose at most 92 days."),
            ("since=never", "Enter a valid date."),
        ],
    )
    @pytest.mark.parametrize("page", ["", "export.csv", "export.xlsx"])
    def test_that_make_no_sense_are_refused(self, staff_client, asked, sentence, page):
        answer = staff_client.get(f"/attendance/days/{page}?{asked}")
        assert answer.status_code == 400
        assert sentence in answer.content.decode()

    def test_a_night_belongs_to_the_day_on_which_it_began(self, operator_client, a_day_long_ago):
        ada = make_person()
        punch(ada, "in", at=a_day_long_ago + timedelta(hours=14))
        punch(ada, "out", at=a_day_long_ago + timedelta(hours=22))
        page = operator_client.get("/attendance/days/?since=2026-03-04&until=2026-03-04")
        ((day, _),) = page.context["days"]
        assert day.worked_clock == "8:00"
        assert operator_client.get("/attendance/days/?since=2026-03-05&until=2026-03-05").context["days"] == []


class TestFiles:
    @pytest.fixture
    def stays(self, a_day_long_ago):
        ada = make_person("=Ada", external_id="7")
        punch(ada, "in", at=a_day_long_ago)
        punch(ada, "out", at=a_day_long_ago + timedelta(hours=4, minutes=30), way="manual", reason="lost the badge")
        punch(ada, "in", at=a_day_long_ago + timedelta(hours=5))

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.usefixtures("stays")
    def test_csv_opens_safely_in_a_spreadsheet(self, staff_client):
        answer = staff_client.get("/attendance/days/export.csv?since=2026-03-01&until=2026-03-07")
        text = downloaded(answer)
        assert text.startswith("\ufeff")
        first, second = csv.DictReader(StringIO(text.removeprefix("\ufeff")))
        assert (first["person"], first["hours"], first["reasons"]) == ("'=Ada", "4.5", "lost the badge")
        assert first["check_in"].startswith("2026-03-04T08:00:00")
        assert (second["check_out"], second["hours"]) == ("", "")

    @pytest.mark.usefixtures("stays")
    def test_workbooks_hold_dates_and_numbers(self, staff_client):
        answer = staff_client.get("/attendance/days/export.xlsx?since=2026-03-01&until=2026-03-07")
        heads, first, second = load_workbook(BytesIO(answer.content))["Attendance"].iter_rows(values_only=True)
        said = dict(zip(heads, first, strict=True))
        assert (said["person"], said["check_in"], said["hours"]) == ("'=Ada", datetime(2026, 3, 4, 8), 4.5)
        assert said["way_out"] == "manual"
        assert dict(zip(heads, second, strict=True))["check_out"] is None

    @pytest.mark.usefixtures("stays")
    @pytest.mark.parametrize("kind", ["csv", "xlsx"])
    def test_who_took_one_is_on_record(self, staff_client, kind):
        staff_client.get(f"/attendance/days/export.{kind}?since=2026-03-01&until=2026-03-07")
        row = AuditEvent.objects.order_by("-number")[0]
        assert (row.action, row.facts["format"], row.facts["rows"]) == ("export.attendance", kind, 2)

    def test_are_for_those_who_may_export(self):
        manager = make_client(Role.MANAGER)
        assert manager.get("/attendance/days/export.xlsx").status_code == 403


class TestThePolicyPage:
    def test_saves_what_is_chosen(self, staff_client):
        page = staff_client.post("/attendance/policy/", {"cameras": "doors", "cooldown_minutes": 5}, follow=True)
        assert "The attendance policy was saved." in page.content.decode()
        saved = AttendancePolicy.objects.get()
        assert (saved.cameras, saved.cooldown_minutes) == ("doors", 5)

    def test_refuses_a_senseless_cooldown_beside_its_field(self, staff_client):
        page = staff_client.post("/attendance/policy/", {"cameras": "doors", "cooldown_minutes": 0})
        assert page.status_code == 400
        assert not AttendancePolicy.objects.exists()

    def test_stands_on_the_page_of_the_site(self, staff_client):
        assert "/attendance/policy/" in staff_client.get("/site/").content.decode()
