from __future__ import annotations

import json

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import Permission, User
from django.test import AsyncClient, Client
from django.urls import reverse

from security.audit import selectors
from security.audit.actions import Action
from security.audit.exporting import verify_lines
from security.audit.recording import record
from security.models import AuditEvent
from security.rights import Right
from security.source import coming_from
from tests.verification.rows import make_attempt, make_person
from verification.review.unknowns import save_unknown_policy

pytestmark = pytest.mark.django_db
PAGE = "/audit/"


def officer(*rights: Right) -> Client:
    user = User.objects.create_user("petra", password="officer-password")
    user.user_permissions.set(Permission.objects.filter(codename__in=[right.codename for right in rights]))
    client = Client()
    client.force_login(user)
    return client


def text_of(client: Client, **filters: str | int) -> str:
    response = client.get(PAGE, filters)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


class TestWhoMaySeeIt:
    def test_a_login_is_needed(self, client):
        assert client.get(PAGE).status_code == 302

    def test_other_operators_may_not(self, operator_client):
        for name in ("audit", "audit_table", "audit_chain"):
            assert operator_client.get(reverse(f"security:{name}")).status_code == 403
        assert operator_client.post(reverse("security:audit_verify")).status_code == 403

    def test_exports_need_a_right_of_their_own(self):
        client = officer(Right.SEE_AUDIT)
        assert "export.jsonl" not in text_of(client)
        assert client.get(reverse("security:audit_chain")).status_code == 403
        assert client.get(reverse("security:audit_table")).status_code == 403
        assert not AuditEvent.objects.exists()

    def test_the_menu_leads_there(self, staff_client):
        assert f'href="{PAGE}"' in staff_client.get("/").content.decode()


class TestTheRows:
    def test_say_who_did_what_to_whom_from_where(self, staff, staff_client):
        person = make_person()
        with coming_from("192.0.2.7"):
            record(Action.PERSON_ENROLLED, actor=staff, target=person.uuid, samples=5)
        text = text_of(staff_client)
        for words in ("Person enrolled", "samples: 5", ">Ada Lovelace</a>", "stefan", "192.0.2.7"):
            assert words in text

    def test_survive_an_erasure_without_a_name(self, staff, staff_client):
        person = make_person()
        record(Action.PERSON_ENROLLED, actor=staff, target=person.uuid)
        person.delete()
        text = text_of(staff_client)
        assert "a person who has been erased" in text
        assert "Ada" not in text

    def test_lead_to_attempts(self, staff, staff_client):
        attempt = make_attempt()
        record(Action.FALSE_MATCH_RECORDED, actor=staff, target=attempt.uuid)
        assert f'href="{reverse("verification:attempt", args=[attempt.uuid])}"' in text_of(staff_client)

    def test_show_settings_before_and_after(self, staff, staff_client):
        before, after = {"fmr": "0.001", "liveness": "required"}, {"fmr": "0.0001", "liveness": "required"}
        record(Action.POLICY_SAVED, actor=staff, target=3, before=before, after=after)
        text = text_of(staff_client)
        assert "false-match rate: <del>0.001</del>" in text
        assert "<ins>0.0001</ins>" in text
        assert "liveness:" not in text

    def test_of_operators_who_are_gone_and_of_nobody(self, staff_client):
        gone = User.objects.create_user("gerd")
        record(Action.POLICY_SAVED, actor=gone)
        number = gone.pk
        gone.delete()
        record(Action.POLICY_SAVED, actor=None)
        text = text_of(staff_client)
        assert f"operator {number}, who is gone" in text
        assert "the product itself" in text

    def test_a_fact_is_text_and_no_markup(self, staff_client):
        record(Action.POLICY_SAVED, actor=None, words="<script>alert(1)</script>")
        assert "<script>alert(1)" not in text_of(staff_client)

    def test_what_a_later_version_wrote_is_shown_as_it_is(self, staff_client):
        record(Action.POLICY_SAVED, actor=None)
        AuditEvent.objects.update(action="door.opened", target="door:7", actor="key:3", facts=[1])
        text = text_of(staff_client)
        assert "door.opened" in text
        assert "door 7" in text

    def test_cost_the_same_few_queries_however_many_they_are(self, staff, staff_client, django_assert_num_queries):
        for _ in range(2):
            for _ in range(8):
                record(Action.PERSON_UPDATED, actor=staff, target=make_person().uuid)
            with django_assert_num_queries(13):  # three of them are session, operator and sign-in
                staff_client.get(PAGE)


class TestPages:
    def test_go_on_with_older_rows(self, staff_client, monkeypatch):
        monkeypatch.setattr(selectors, "PAGE", 3)
        for _ in range(7):
            record(Action.POLICY_SAVED, actor=None)
        assert "?before=5" in text_of(staff_client)
        assert "Rows 4 to 2" in text_of(staff_client, before=5)
        assert "?before" not in text_of(staff_client, before=2)

    @pytest.mark.parametrize("before", ["x", "-1", "9" * 40, "٣"])
    def test_any_other_place_is_the_beginning_or_nothing(self, staff_client, before):
        record(Action.POLICY_SAVED, actor=None)
        text_of(staff_client, before=before)


class TestFilters:
    @pytest.fixture(autouse=True)
    def rows(self, staff) -> str:
        person = make_person()
        record(Action.PERSON_ENROLLED, actor=staff, target=person.uuid)
        record(Action.POLICY_SAVED, actor=None, target=3)
        return str(person.uuid)

    def numbers(self, client, **filters) -> list[int]:
        return [row.number for row in client.get(PAGE, filters).context["rows"]]

    def test_narrow_down_by_what_who_day_and_number(self, staff, staff_client):
        assert self.numbers(staff_client) == [2, 1]
        assert self.numbers(staff_client, action="policy.saved") == [2]
        assert self.numbers(staff_client, who=f"operator:{staff.pk}") == [1]
        assert self.numbers(staff_client, who="product") == [2]
        assert self.numbers(staff_client, since="2999-01-01") == []
        assert self.numbers(staff_client, until="2999-01-01") == [2, 1]
        assert self.numbers(staff_client, number=2) == [2]

    def test_find_a_target_by_id_and_by_the_address_of_its_page(self, staff_client, rows):
        for text in (rows, f"person:{rows}", f"http://localhost/enrollment/people/{rows}/"):
            assert self.numbers(staff_client, target=text) == [1]

    @pytest.mark.parametrize("filters", [{"number": "x"}, {"since": "x"}, {"action": "x"}, {"number": "9" * 30}])
    def test_that_are_not_understood_are_said_to_be(self, staff_client, filters):
        assert staff_client.get(PAGE, filters).status_code == 400

    def test_find_operators_who_are_gone(self, staff_client):
        assert self.numbers(staff_client, who="operator:99999") == []


class TestTheChain:
    def test_is_verified_on_request_and_the_page_says_so(self, staff_client):
        record(Action.POLICY_SAVED, actor=None)
        response = staff_client.post(reverse("security:audit_verify"), follow=True)
        text = " ".join(response.content.decode().split())
        assert "1 row was verified" in text
        assert "1 row was whole" in text

    def test_the_page_names_the_first_row_that_is_wrong(self, staff_client):
        for _ in range(3):
            record(Action.POLICY_SAVED, actor=None)
        AuditEvent.objects.filter(number=2).update(facts={"x": 1})
        response = staff_client.post(reverse("security:audit_verify"), follow=True)
        assert "Row 2 was changed" in response.content.decode()
        assert "Row 2 was changed" in text_of(staff_client)

    def test_a_look_at_the_page_verifies_nothing(self, staff_client):
        record(Action.POLICY_SAVED, actor=None)
        AuditEvent.objects.update(facts={"x": 1})
        assert "was changed" not in text_of(staff_client)


@pytest.mark.django_db(transaction=True)
class TestExports:
    async def body(self, client, name, **filters) -> bytes:
        response = await client.get(reverse(f"security:{name}"), filters)
        assert response.status_code == 200
        return b"".join([chunk async for chunk in response.streaming_content])

    @pytest.fixture
    async def client(self, staff) -> AsyncClient:
        await sync_to_async(save_unknown_policy)(actor=None, keep=True, days=3)
        client = AsyncClient()
        await client.aforce_login(staff)
        return client

    async def test_the_whole_chain_can_be_verified_elsewhere(self, client):
        data = await self.body(client, "audit_chain")
        report = verify_lines(data.splitlines(keepends=True))
        assert report.problem is None
        assert json.loads(data.splitlines()[-3])["action"] == "export.audit"

    async def test_the_filtered_rows_are_a_table(self, client):
        lines = (await self.body(client, "audit_table", action="unknown_policy.saved")).decode().splitlines()
        assert lines[0].startswith("\ufeffrow,time,who,action")
        assert [line.split(",")[3] for line in lines[1:]] == ["unknown_policy.saved"]

    def test_a_filter_that_is_not_understood_exports_nothing(self, staff_client):
        before = AuditEvent.objects.count()
        assert staff_client.get(reverse("security:audit_table"), {"number": "x"}).status_code == 400
        assert AuditEvent.objects.count() == before
