from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

import pytest
from django.utils import timezone

from attendance.models import AttendancePolicy, Punch
from enrollment.models import PersonGroup
from tests.verification.rows import make_attempt, make_person

pytestmark = pytest.mark.django_db


def punch(person, direction: str, ago: timedelta = timedelta(minutes=5), **values) -> Punch:
    values = {"way": "face", "at": timezone.now() - ago} | values
    return Punch.objects.create(person=person, direction=direction, **values)


class TestWhoIsIn:
    def test_names_those_whose_last_punch_is_a_check_in(self, receptionist_client):
        ada, bo, cy = make_person("Ada Lovelace"), make_person("Bo Diddley"), make_person("Cy Young")
        punch(ada, "in")
        punch(bo, "in", timedelta(minutes=9))
        punch(bo, "out")
        punch(cy, "in", timedelta(hours=25))
        page = receptionist_client.get("/attendance/")
        assert [stay.person for stay in page.context["inside"]] == [ada]
        assert "1 person</strong> on" in page.content.decode()

    def test_leaves_out_what_was_taken_back(self, receptionist_client):
        punch(make_person(), "in", voided_at=timezone.now())
        page = receptionist_client.get("/attendance/")
        assert page.context["inside"] == []
        assert "Nobody is in" in page.content.decode()

    def test_lists_days_on_which_somebody_forgot_to_check_out(self, operator_client):
        ada = make_person(external_id="A 1")
        punch(ada, "in", timedelta(days=3))
        page = operator_client.get("/attendance/")
        (lonely,) = page.context["forgotten"]
        assert lonely.person == ada
        form = operator_client.get(f"/attendance/punches/new/?missing={lonely.uuid}").context["form"]
        assert (form["who"].value(), form["direction"].value()) == ("A 1", "out")

    def test_shows_the_evidence_to_those_who_may_see_it(self, operator_client, receptionist_client):
        attempt = make_attempt()
        punch(make_person(), "in", timedelta(), attempt=attempt)
        link = f"/verification/attempts/{attempt.uuid}/"
        assert link in operator_client.get("/attendance/").content.decode()
        assert link not in receptionist_client.get("/attendance/").content.decode()

    @pytest.mark.parametrize(("language", "words"), [("en", "4 Mar, 09:07"), ("de", "4. Mär, 09:07")])
    def test_says_since_when(self, receptionist_client, settings, monkeypatch, language, words):
        settings.TIME_ZONE = "Europe/Berlin"
        noon = datetime(2026, 3, 4, 12, tzinfo=UTC)
        monkeypatch.setattr(timezone, "now", lambda: noon)
        for name, second in (("Ada", 1), ("Bo", 59)):
            punch(make_person(name), "in", at=datetime(2026, 3, 4, 8, 7, second, tzinfo=UTC))
        page = receptionist_client.get("/attendance/inside/", headers={"Accept-Language": language}).content.decode()
        assert page.count(f">{words}</time>") == 2


class TestTheListThatIsAskedForAgainAndAgain:
    def test_is_sent_only_when_somebody_comes_or_goes(self, receptionist_client):
        ada = make_person("Ada Lovelace")
        punch(ada, "in")
        first = receptionist_client.get("/attendance/inside/")
        assert ("Ada Lovelace" in first.content.decode(), unquote(first["X-Count"])) == (True, "1 person")
        page = receptionist_client.get("/attendance/")
        assert first["ETag"] == f'"{page.context["version"]}"'
        again = receptionist_client.get("/attendance/inside/", headers={"If-None-Match": first["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert unquote(again["X-As-Of"])[-3:] == f"{timezone.localtime():%Z}"[-3:]
        punch(ada, "out", timedelta())
        changed = receptionist_client.get("/attendance/inside/", headers={"If-None-Match": first["ETag"]})
        assert (changed.status_code, "Nobody is in" in changed.content.decode()) == (200, True)

    def test_says_another_name_once_somebody_has_one(self, receptionist_client):
        ada = make_person("Ada Byron")
        punch(ada, "in")
        first = receptionist_client.get("/attendance/inside/")
        ada.name = "Ada Lovelace"
        ada.save()
        again = receptionist_client.get("/attendance/inside/", headers={"If-None-Match": first["ETag"]})
        assert "Ada Lovelace" in again.content.decode()

    def test_names_everybody_once_in_the_first_of_their_groups(self, receptionist_client):
        ada, bo, cy = (make_person(name) for name in ("Ada", "Bo", "Cy"))
        first = receptionist_client.get("/attendance/inside/")
        for person in (ada, bo, cy):
            punch(person, "in")
        for name, people in (("Workshop", [ada, bo]), ("Office", [bo])):
            PersonGroup.objects.create(name=name).people.set(people)
        page = receptionist_client.get("/attendance/inside/", headers={"If-None-Match": first["ETag"]})
        groups = [(name, [stay.person.name for stay in stays]) for name, stays in page.context["groups"]]
        assert groups == [("Office", ["Bo"]), ("Workshop", ["Ada"]), ("", ["Cy"])]
        assert "In no group" in page.content.decode()


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


class TestThePolicyPage:
    def test_saves_what_is_chosen(self, staff_client):
        page = staff_client.post(
            "/attendance/policy/", {"cameras": "doors", "cooldown_minutes": 5, "closing": "open"}, follow=True
        )
        assert "The attendance policy was saved." in page.content.decode()
        saved = AttendancePolicy.objects.get()
        assert (saved.cameras, saved.cooldown_minutes) == ("doors", 5)

    def test_refuses_a_senseless_cooldown_beside_its_field(self, staff_client):
        page = staff_client.post("/attendance/policy/", {"cameras": "doors", "cooldown_minutes": 0})
        assert page.status_code == 400
        assert not AttendancePolicy.objects.exists()

    def test_stands_on_the_page_of_the_site(self, staff_client):
        assert "/attendance/policy/" in staff_client.get("/site/").content.decode()
