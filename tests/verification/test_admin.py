from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.urls import reverse
from pytest_django.asserts import assertContains

from security import windows
from tests.support.downloads import downloaded
from tests.verification.rows import make_attempt, make_person
from verification.models import FalseMatch, InboxAction, UnknownPolicy, VerificationAttempt, VerificationPolicy
from verification.reasons import sentence_for

pytestmark = pytest.mark.django_db
LIST = "admin:verification_verificationattempt_changelist"
DETAIL = "admin:verification_verificationattempt_change"


class TestAttempts:
    def test_the_list_costs_the_same_however_long_it_is(self, staff, staff_client, django_assert_max_num_queries):
        for number in range(12):
            make_attempt(matched_person=make_person(f"Person {number}"), operator=staff)
        with django_assert_max_num_queries(11) as captured:
            page = staff_client.get(reverse(LIST))
        assert page.status_code == 200
        assert b"Person 11" in page.content
        assert b"0.620 / 0.310" in page.content
        assert not any('"thumbnail"' in query["sql"] for query in captured)

    def test_search_and_filters_narrow_the_list(self, staff_client):
        make_attempt(matched_person=make_person("Ada"))
        make_attempt(matched_person=make_person("Bob"), verdict="uncertain")
        found = staff_client.get(reverse(LIST), {"q": "Ada", "verdict__exact": "match"}).content
        assert b">Ada<" in found
        assert b">Bob<" not in found

    def test_a_year_that_no_calendar_has_shows_the_whole_list(self, staff_client):
        make_attempt()
        response = staff_client.get(reverse(LIST), {"created_at__year": "9" * 20})
        assert response.url == f"{reverse(LIST)}?e=1"

    def test_one_attempt_shows_its_face(self, staff_client):
        page = staff_client.get(reverse(DETAIL, args=[make_attempt().pk]))
        assert b"data:image/jpeg;base64," in page.content
        assert b"erased" in staff_client.get(reverse(DETAIL, args=[make_attempt(thumbnail=b"").pk])).content

    def test_an_attempt_is_told_in_the_words_and_digits_of_the_history(self, staff_client):
        at = datetime(2026, 1, 31, 18, 5, 9, tzinfo=UTC)
        attempt = make_attempt(
            verdict="attack", reasons=["liveness_attack"], liveness_score=0.0412345, runner_up=0.1234567, created_at=at
        )
        page = staff_client.get(reverse(DETAIL, args=[attempt.pk]))
        for words in (
            sentence_for("liveness_attack"),
            ">Attack<",
            "1 in 10,000",
            ">0.04<",
            ">0.123<",
            "31 Jan 2026, 18:05:09",
        ):
            assertContains(page, words)

    def test_nothing_can_be_added_changed_or_deleted(self, staff_client):
        attempt = make_attempt()
        assert staff_client.get(reverse("admin:verification_verificationattempt_add")).status_code == 403
        assert staff_client.post(reverse(DETAIL, args=[attempt.pk]), {"verdict": "match"}).status_code == 403
        delete = reverse("admin:verification_verificationattempt_delete", args=[attempt.pk])
        assert staff_client.post(delete, {"post": "yes"}).status_code == 403
        assert VerificationAttempt.objects.count() == 1

    @pytest.mark.django_db(transaction=True)
    def test_selected_attempts_are_exported(self, staff_client):
        wanted = make_attempt(matched_person=make_person("Ada"))
        make_attempt(matched_person=make_person("Bob"))
        form = {"action": "export_csv", "_selected_action": [wanted.pk]}
        answer = staff_client.post(reverse(LIST), form)
        assert answer["Content-Type"].startswith("text/csv")
        lines = downloaded(answer)
        assert "Ada" in lines
        assert "Bob" not in lines

    def test_pictures_of_strangers_are_erased_on_request_and_the_verdicts_stay(self, staff_client):
        chosen, other = make_attempt(verdict="non_match"), make_attempt(verdict="non_match")
        page = staff_client.post(
            reverse(LIST), {"action": "erase_pictures", "_selected_action": [chosen.pk]}, follow=True
        )
        assertContains(page, "The picture of 1 attempt was erased for good.")
        chosen.refresh_from_db()
        other.refresh_from_db()
        assert (bytes(chosen.thumbnail), chosen.verdict) == (b"", "non_match")
        assert other.thumbnail

    def test_pictures_are_erased_only_by_those_who_may_erase(self, operator_client):
        attempt = make_attempt()
        operator_client.post(reverse(LIST), {"action": "erase_pictures", "_selected_action": [attempt.pk]})
        attempt.refresh_from_db()
        assert attempt.thumbnail

    def test_a_long_list_counts_its_newest_rows_only_and_leads_to_the_others(self, staff_client, monkeypatch):
        monkeypatch.setattr(windows, "WINDOW", 3)
        rows = [make_attempt(verdict="non_match") for _ in range(5)]
        page = staff_client.get(reverse(LIST))
        assertContains(page, "The first 3 attempts of this list.")
        older = staff_client.get(reverse(LIST), {"id__lt": rows[2].pk})
        assertContains(page, f"?id__lt={rows[2].pk}")
        assert [row.pk for row in older.context["cl"].result_list] == [rows[1].pk, rows[0].pk]
        assertContains(staff_client.get(reverse(LIST), {"o": "2"}), "Filter it to see others.")
        everything = {"action": "erase_pictures", "_selected_action": [rows[4].pk], "select_across": "1"}
        assertContains(staff_client.post(reverse(LIST), everything, follow=True), "The pictures of 3 attempts")
        assert VerificationAttempt.objects.filter(has_picture=True).count() == 2

    def test_is_searched_like_the_history(self, staff_client):
        wanted, _ = make_attempt(matched_person=make_person("Ada")), make_attempt(matched_person=make_person("Bob"))
        assert list(staff_client.get(reverse(LIST), {"q": "ada"}).context["cl"].result_list) == [wanted]

    def test_operators_who_are_not_staff_see_nothing(self, receptionist_client):
        assert receptionist_client.get(reverse(LIST)).status_code == 302


class TestPolicy:
    def test_a_new_policy_is_a_new_row_with_who_saved_it(self, staff, staff_client):
        VerificationPolicy.objects.create(fmr="0.001", liveness="off")
        answer = staff_client.post(
            reverse("admin:verification_verificationpolicy_add"), {"fmr": "0.00001", "liveness": "advisory"}
        )
        assert answer.status_code == 302
        newest, older = VerificationPolicy.objects.all()
        assert (newest.fmr, newest.liveness, newest.saved_by) == ("0.00001", "advisory", staff)
        assert older.fmr == "0.001"

    def test_history_cannot_be_rewritten(self, staff_client):
        policy = VerificationPolicy.objects.create(fmr="0.001")
        change = reverse("admin:verification_verificationpolicy_change", args=[policy.pk])
        assert staff_client.post(change, {"fmr": "0.0001", "liveness": "off"}).status_code == 403
        assert VerificationPolicy.objects.get().fmr == "0.001"


class TestRecords:
    def test_of_wrong_matches_and_of_the_inbox_can_be_read_and_not_changed(self, staff_client, staff):
        ada = make_person("Ada Lovelace")
        records = [
            FalseMatch.objects.create(attempt=make_attempt(matched_person=ada), person=ada, created_by=staff),
            InboxAction.objects.create(kind="assign", person=ada, face_count=2, actor=staff),
            UnknownPolicy.objects.create(keep=True, days=3, saved_by=staff),
        ]
        for record in records:
            url = f"/admin/verification/{record._meta.model_name}/"
            assertContains(staff_client.get(url), "stefan")
            assertContains(staff_client.get(f"{url}{record.pk}/change/"), "stefan")
            assert staff_client.get(f"{url}add/").status_code == 403
            assert staff_client.post(f"{url}{record.pk}/delete/", {"post": "yes"}).status_code == 403
