"""/site/retention/ and the dashboard's block, with the real rules."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from security.daily import run_due_tasks
from security.models import DailyTask, RetentionPolicy, RetentionRun
from security.retention.policy import current_days
from tests.verification.rows import make_attempt

pytestmark = pytest.mark.django_db
URL = "/site/retention/"
FIELDS = {
    "unknown_faces": "7",
    "attempt_pictures": "30",
    "attempts": "",
    "challenge_tries": "1",
    "inactive_people": "",
    "ended_sessions": "1",
    "failed_sign_ins": "1",
    "known_addresses": "90",
    "audit_rows": "",
    "ended_consents": "14",
    "webhook_messages": "7",
}


@pytest.fixture
def officer_client(operator) -> Client:
    """May set retention, and nothing else."""
    operator.user_permissions.add(Permission.objects.get(codename="set_retention"))
    client = Client()
    client.force_login(operator)
    return client


class TestThePage:
    def test_is_for_operators_with_the_right(self, officer_client, clerk_client):
        assert officer_client.get(URL).status_code == 200
        assert clerk_client.get(URL).status_code == 403
        assert clerk_client.post(URL, FIELDS).status_code == 403
        assert clerk_client.post(f"{URL}run/").status_code == 403
        assert Client().get(URL).status_code == 302

    def test_shows_each_rule_with_what_it_would_erase_now(self, officer_client):
        make_attempt(created_at=timezone.now() - timedelta(days=31))
        make_attempt()
        page = officer_client.get(URL)
        counts = {each.rule.key: each.count for each in page.context["due"]}
        assert counts["attempt_pictures"] == 1
        assert set(counts) >= set(FIELDS)
        assert "Erase now what is due (1)" in page.content.decode()

    def test_saves_days_and_erases_nothing_by_that(self, officer_client):
        make_attempt(created_at=timezone.now() - timedelta(days=10))
        saved = officer_client.post(URL, FIELDS | {"attempt_pictures": "5", "attempts": "400"}, follow=True)
        assert "Saved." in saved.content.decode()
        days = current_days()
        assert (days["attempt_pictures"], days["attempts"], days["inactive_people"]) == (5, 400, None)
        assert saved.context["total"] == 1

    @pytest.mark.parametrize(
        ("field", "value", "sentence"),
        [
            ("attempts", "29", "choose between 30 and 3,650 days. Unknown faces"),
            ("attempt_pictures", "0", "choose between 1 and 3,650 days"),
            ("unknown_faces", "31", "choose between 1 and 30 days"),
            ("ended_sessions", "", "cannot be kept for good"),
            ("attempts", "soon", "write a whole number of days"),
        ],
    )
    def test_refuses_what_cannot_be_in_a_sentence_beside_the_field(self, officer_client, field, value, sentence):
        page = officer_client.post(URL, FIELDS | {field: value})
        assert page.status_code == 400
        (error,) = page.context["form"].errors[field]
        assert sentence in error
        assert error in page.content.decode()
        assert not RetentionPolicy.objects.exists()

    def test_asks_for_a_run_which_a_process_of_the_site_then_does(self, officer_client, operator):
        make_attempt(created_at=timezone.now() - timedelta(days=31))
        page = officer_client.post(f"{URL}run/", follow=True)
        assert "begins within half a minute" in page.content.decode()
        assert not RetentionRun.objects.exists()  # not in the request
        assert "retention" in run_due_tasks(threading.Event())
        run = RetentionRun.objects.get()
        assert (run.asked_by, run.erased["attempt_pictures"]) == (f"operator:{operator.pk}", 1)
        page = officer_client.get(URL)
        assert "Pictures of attempts: 1 erased" in page.content.decode()
        assert f"operator {operator.pk}" in page.content.decode()

    def test_a_run_is_asked_for_by_post_only(self, officer_client):
        assert officer_client.get(f"{URL}run/").status_code == 405

    def test_costs_the_same_queries_however_much_is_due(self, officer_client, django_assert_max_num_queries):
        officer_client.get(URL)
        for _ in range(20):
            make_attempt(created_at=timezone.now() - timedelta(days=31))
        with django_assert_max_num_queries(27):
            officer_client.get(URL)


class TestTheDashboard:
    def test_says_when_the_first_run_comes(self, operator_client):
        page = operator_client.get("/").content.decode()
        assert "The first run comes a day after" in page
        assert f'href="{URL}"' not in page

    def test_leads_those_who_may_to_the_rules(self, officer_client):
        assert f'href="{URL}"' in officer_client.get("/").content.decode()

    def test_says_what_the_last_run_erased(self, operator_client):
        run = {"state": "done", "asked_by": "product", "process": "here:1"}
        RetentionRun.objects.create(due={"attempt_pictures": 12}, erased={"attempt_pictures": 12}, **run)
        page = operator_client.get("/").content.decode()
        assert "Pictures of attempts: 12 erased" in page

    def test_warns_at_the_top_when_nothing_ran(self, operator_client):
        DailyTask.objects.create(name="retention", due_at=timezone.now() - timedelta(days=3))
        assert "Nothing was erased for more than two days" in operator_client.get("/").content.decode()
