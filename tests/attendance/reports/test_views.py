from __future__ import annotations

import csv
from datetime import datetime, timedelta
from io import BytesIO, StringIO

import pytest
from django.utils import timezone
from openpyxl import load_workbook

from attendance.models import DayOff, Punch
from enrollment.models import Person, PersonGroup
from security.models import AuditEvent
from security.roles.table import Role
from tests.attendance.schedules.rows import make_group, make_old_hand, make_schedule
from tests.support.downloads import downloaded
from tests.support.operators import make_client

pytestmark = pytest.mark.django_db
WEDNESDAY = datetime(2026, 3, 4, 0, tzinfo=timezone.get_default_timezone())
WEEK = "/attendance/days/?on=2026-03-04"
DAY = "/attendance/days/?span=day&on=2026-03-04"


def punch(person, direction: str, hour: float, *, day: int = 0, **values) -> Punch:
    """hour: on Wednesday, 4 March 2026, or `day` days later."""
    at = WEDNESDAY + timedelta(days=day, hours=hour)
    return Punch.objects.create(person=person, direction=direction, at=at, **({"way": "face"} | values))


def here(person, since: float, until: float, *, day: int = 0) -> None:
    punch(person, "in", since, day=day)
    punch(person, "out", until, day=day)


@pytest.fixture
def a_week():
    """Ada in time on Wednesday, late on Thursday, absent on the other days; Bo at weekends, whom nobody expects."""
    make_schedule()
    ada, bo = make_old_hand("Ada Lovelace"), make_old_hand("Bo Diddley", is_active=False)
    here(ada, 9, 17.75)
    here(ada, 9.5, 17, day=1)
    here(bo, 10, 12, day=3)
    return ada, bo


def rows_of(client, address: str) -> dict[str, tuple[str, int, int, int]]:
    """Name -> hours, days here, late, absent."""
    page = client.get(address)
    assert page.status_code == 200
    return {row.person.name: (row.worked_clock, row.present, row.late, row.absent) for row in page.context["rows"]}


@pytest.mark.usefixtures("a_week")
class TestAWeek:
    def test_says_who_was_here_late_and_absent(self, receptionist_client):
        assert rows_of(receptionist_client, WEEK) == {
            "Ada Lovelace": ("16:15", 2, 1, 3),
            "Bo Diddley": ("2:00", 1, 0, 0),
        }

    def test_is_drawn_and_said_in_numbers(self, receptionist_client):
        page = receptionist_client.get(WEEK)
        assert page.content.decode().count('<svg class="chart"') == 2
        thursday = page.context["totals"][3]
        assert (thursday.in_time, thursday.late, thursday.absent, thursday.worked_clock) == (0, 1, 0, "7:30")

    def test_counts_nobody_as_absent_on_a_day_off(self, receptionist_client):
        DayOff.objects.create(day=WEDNESDAY.date() + timedelta(days=2), name="Founders' day")
        assert rows_of(receptionist_client, WEEK)["Ada Lovelace"][3] == 2

    def test_of_those_who_fit(self, receptionist_client):
        assert list(rows_of(receptionist_client, WEEK + "&q=diddley")) == ["Bo Diddley"]

    def test_of_a_group(self, receptionist_client, a_week):
        group = PersonGroup.objects.create(name="Weekend")
        group.people.add(a_week[1])
        assert list(rows_of(receptionist_client, f"{WEEK}&group={group.uuid}")) == ["Bo Diddley"]
        assert receptionist_client.get(f"{WEEK}&group=nobody").status_code == 400

    def test_is_this_week_unless_somebody_asks_for_another(self, receptionist_client):
        span = receptionist_client.get("/attendance/days/").context["span"]
        assert span.since <= timezone.localdate() <= span.until
        assert (span.since.weekday(), len(span.days)) == (0, 7)


@pytest.mark.usefixtures("a_week")
class TestADay:
    @pytest.mark.parametrize(
        ("on", "show", "names"),
        [
            ("2026-03-04", "present", ["Ada Lovelace"]),
            ("2026-03-04", "late", []),
            ("2026-03-05", "late", ["Ada Lovelace"]),
            ("2026-03-05", "absent", []),
            ("2026-03-06", "absent", ["Ada Lovelace"]),
            ("2026-03-07", "absent", []),
            ("2026-03-07", "present", ["Bo Diddley"]),
            ("2026-03-07", "", ["Bo Diddley"]),
        ],
    )
    def test_shows_those_who_were_late_or_absent(self, receptionist_client, on, show, names):
        page = receptionist_client.get(f"/attendance/days/?span=day&on={on}&show={show}")
        assert [row.person.name for row in page.context["rows"]] == names
        if show:
            assert {code: number for code, _, number in page.context["shows"]}[show] == len(names)

    def test_finds_missing_punches_as_their_pairing_does(self, receptionist_client, a_week):
        ada, bo = a_week
        punch(bo, "in", 22)
        punch(bo, "out", 6, day=1)  # a night: nothing is missing on either day
        punch(bo, "out", 18, day=1)
        punch(ada, "in", 20, day=1)
        found = {
            on: [row.person.name for row in receptionist_client.get(f"{DAY[:-2]}{on}&show=missing").context["rows"]]
            for on in ("04", "05")
        }
        assert found == {"04": [], "05": ["Ada Lovelace", "Bo Diddley"]}

    def test_a_night_belongs_to_the_day_on_which_it_began(self, receptionist_client, a_week):
        _, bo = a_week
        here(bo, 22, 30)
        assert rows_of(receptionist_client, DAY)["Bo Diddley"] == ("8:00", 1, 0, 0)
        assert "Bo Diddley" not in rows_of(receptionist_client, "/attendance/days/?span=day&on=2026-03-05")


@pytest.mark.usefixtures("a_week")
class TestAMonth:
    def test_counts_days_hours_late_and_absent(self, receptionist_client):
        rows = rows_of(receptionist_client, "/attendance/days/?span=month&on=2026-03-15")
        assert rows["Ada Lovelace"] == ("16:15", 2, 1, 20)

    def test_of_one_person_lists_every_day_and_punch(self, receptionist_client, a_week):
        page = receptionist_client.get(f"/attendance/people/{a_week[0].uuid}/?span=month&on=2026-03-15")
        assert (len(page.context["row"].cells), len(page.context["punches"])) == (31, 4)
        assert "Office" in page.content.decode()


class TestManyPeople:
    def test_cost_as_many_queries_as_few(self, receptionist_client, django_assert_max_num_queries):
        make_schedule()
        for number in range(60):
            here(make_old_hand(f"Person {number:03}"), 9, 17)
        for number in range(40):  # SQLite refuses conditions that nest 1,000 deep
            some = make_group(f"Group {number}", *Person.objects.filter(pk__gt=number))
            make_schedule(f"Shift {number}", groups=[some])
        for span in ("day", "week", "month"):
            with django_assert_max_num_queries(23):
                page = receptionist_client.get(f"/attendance/days/?span={span}&on=2026-03-04")
            assert (len(page.context["rows"]), page.context["page"].paginator.count) == (50, 60)
            assert "people on this page" in page.content.decode() or span == "day"


class TestWhatMakesNoSense:
    @pytest.mark.parametrize(
        ("asked", "sentence"),
        [
            ("on=never", "Write a day like 2026-01-31."),
            ("on=9999-12-31", "Choose a day between 1970 and 2200."),
            ("span=day&show=nobody", "Choose one of the list."),
        ],
    )
    @pytest.mark.parametrize("page", ["", "export.csv", "export.xlsx"])
    def test_is_refused(self, staff_client, asked, sentence, page):
        answer = staff_client.get(f"/attendance/days/{page}?{asked}")
        assert answer.status_code == 400
        assert sentence in answer.content.decode()


class TestFiles:
    @pytest.fixture
    def stays(self):
        make_schedule()
        ada = make_old_hand("=Ada", external_id="7")
        punch(ada, "in", 9.5)
        punch(ada, "out", 12, way="manual", reason="lost the badge")
        punch(ada, "in", 13)
        return ada

    @pytest.mark.django_db(transaction=True)
    def test_csv_opens_safely_in_a_spreadsheet_and_says_late_and_absent(self, staff_client, stays):
        for address in ("/attendance/days/export.csv?", f"/attendance/people/{stays.uuid}/export.csv?"):
            text = downloaded(staff_client.get(f"{address}on=2026-03-04"))
            assert text.startswith("\ufeff")
            lines = {
                line["day"]: line for line in reversed(list(csv.DictReader(StringIO(text.removeprefix("\ufeff")))))
            }
            first, absent = lines["2026-03-04"], lines["2026-03-05"]
            assert (first["person"], first["hours"], first["reasons"]) == ("'=Ada", "2.5", "lost the badge")
            assert (first["late_minutes"], first["schedule"]) == ("30", "Office")
            assert first["check_in"].startswith("2026-03-04T09:30:00")
            assert (absent["absent"], absent["check_in"]) == ("1", "")

    @pytest.mark.usefixtures("stays")
    def test_workbooks_hold_dates_numbers_and_totals(self, staff_client):
        answer = staff_client.get("/attendance/days/export.xlsx?on=2026-03-04")
        book = load_workbook(BytesIO(answer.content))
        heads, *lines = book["Attendance"].iter_rows(values_only=True)
        said = [dict(zip(heads, line, strict=True)) for line in lines]
        first = next(line for line in said if line["check_in"])
        assert (first["person"], first["check_in"], first["hours"]) == ("'=Ada", datetime(2026, 3, 4, 9, 30), 2.5)
        assert (first["way_out"], first["late_minutes"]) == ("manual", 30)
        assert [line["late_minutes"] for line in said if line["late_minutes"]] == [30]
        _, totals = book["Totals"].iter_rows(values_only=True)
        assert totals == ("'=Ada", "7", 1, 2.5, 1, 4)

    @pytest.mark.usefixtures("stays")
    @pytest.mark.parametrize("kind", ["csv", "xlsx"])
    def test_who_took_one_is_on_record(self, staff_client, kind):
        staff_client.get(f"/attendance/days/export.{kind}?on=2026-03-04")
        row = AuditEvent.objects.order_by("-number")[0]
        assert (row.action, row.facts["format"], row.facts["people"]) == ("export.attendance", kind, 1)

    def test_a_workbook_that_would_grow_too_large_is_refused_with_a_sentence(self, staff_client, stays, monkeypatch):
        monkeypatch.setattr("attendance.reports.files.MOST_DAYS_IN_A_BOOK", 6)
        answer = staff_client.get("/attendance/days/export.xlsx?on=2026-03-04")
        assert answer.status_code == 400
        assert "Choose fewer days or fewer people" in answer.content.decode()

    def test_are_for_those_who_may_export(self):
        manager = make_client(Role.MANAGER)
        assert manager.get("/attendance/days/export.xlsx").status_code == 403
