from __future__ import annotations

from uuid import uuid4

import pytest
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from enrollment.runtime.gallery import reset_gallery
from tests.support.ids import NOBODY
from tests.verification.review.test_feedback import attempt, decide, policy  # noqa: F401  # fixtures
from tests.verification.rows import make_attempt
from verification.models import FalseMatch

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("liveness_off")]


def page_of(attempt) -> str:  # noqa: F811
    return f"/verification/attempts/{attempt.uuid}/"


class TestNotThisPerson:
    @pytest.fixture
    def page(self, attempt) -> str:  # noqa: F811
        reset_gallery()
        return page_of(attempt) + "not-this-person/"

    def test_the_attempt_s_page_leads_to_it_only_where_it_could_be_wrong(self, operator_client, attempt):  # noqa: F811
        assertContains(operator_client.get(page_of(attempt)), "not-this-person/")
        stranger = make_attempt(verdict="non_match", matched_person=None)
        assertNotContains(operator_client.get(page_of(stranger)), "not-this-person/")

    def test_shows_what_it_would_change_and_who_else_it_may_be_before_anything_is_written(self, operator_client, page):
        response = operator_client.get(page)
        assertContains(response, "Not Ada?")
        assertContains(response, "Of 1 attempt in the history matched to Ada, 1 would no longer be a match.")
        assertContains(response, "Bob")
        assert not FalseMatch.objects.exists()

    def test_records_it_and_the_attempt_says_so_until_it_is_taken_back(self, operator_client, operator, page, attempt):  # noqa: F811
        assertRedirects(operator_client.post(page), page_of(attempt), fetch_redirect_response=False)
        recorded = FalseMatch.objects.get()
        assert (recorded.created_by, recorded.other_person) == (operator, None)
        assertContains(operator_client.get(page_of(attempt)), "that this is not Ada")
        undo = f"/verification/false-matches/{recorded.uuid}/undo/"
        assertRedirects(operator_client.post(undo), page_of(attempt), fetch_redirect_response=False)
        assertNotContains(operator_client.get(page_of(attempt)), "that this is not Ada")

    @pytest.mark.parametrize("how", ["person", "who"])
    def test_records_who_it_really_is(self, operator_client, page, bob, how):
        operator_client.post(page, {"person": str(bob.uuid)} if how == "person" else {"who": "bob"})
        assert FalseMatch.objects.get().other_person == bob

    @pytest.mark.parametrize(
        ("fields", "sentence"),
        [
            ({"who": "Nobody Ever"}, "Nobody enrolled has this name"),
            ({"person": str(NOBODY)}, "There is no such person"),
            ({"who": "Ada"}, "who was matched"),
        ],
    )
    def test_says_what_is_wrong_and_writes_nothing(self, operator_client, page, fields, sentence):
        assertContains(operator_client.post(page, fields), sentence, status_code=400)
        assert not FalseMatch.objects.exists()

    def test_a_name_that_several_people_have_becomes_a_choice(self, operator_client, page, enrol, picture):
        from tests.verification.conftest import STRANGER

        twins = [enrol("Robin Miller", picture(STRANGER, number)) for number in (1, 2)]
        response = operator_client.post(page, {"who": "Robin"})
        assertContains(response, "Several people fit this", status_code=400)
        assert [person for person, _ in response.context["choices"]][:2] == twins

    def test_says_why_not_where_there_is_nothing_to_learn(self, operator_client, ada, engine):
        faceless = make_attempt(matched_person=ada, thumbnail=b"")
        assertContains(operator_client.get(page_of(faceless) + "not-this-person/"), "no longer kept")

    def test_of_an_attempt_that_does_not_exist_is_not_found(self, operator_client):
        assert operator_client.get(f"/verification/attempts/{uuid4()}/not-this-person/").status_code == 404
        assert operator_client.post(f"/verification/false-matches/{uuid4()}/undo/").status_code == 404

    def test_needs_a_login_and_undo_needs_a_post(self, client, operator_client, page):
        assert client.get(page).status_code == 302
        assert client.post(page).status_code == 302
        assert not FalseMatch.objects.exists()
        assert operator_client.get(f"/verification/false-matches/{uuid4()}/undo/").status_code == 405
