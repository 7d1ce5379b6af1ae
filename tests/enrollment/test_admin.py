from __future__ import annotations

import base64
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains

from enrollment import services
from enrollment.hooks import hooks
from enrollment.models import FaceSample, FaceTemplate, GalleryRevision, Person
from enrollment.selectors import SEARCH_WORDS
from security.models import Approval
from security.roles.table import Role
from tests.support.consent import ON_PAPER
from tests.support.downloads import downloaded
from tests.support.operators import make_client

pytestmark = pytest.mark.django_db

PEOPLE = reverse("admin:enrollment_person_changelist")
TEMPLATES = reverse("admin:enrollment_facetemplate_changelist")


@pytest.fixture
def enroll(make_draft, staff):
    def make(name, *seeds, **changes):
        return services.enroll_person(
            actor=staff,
            name=name,
            consent=ON_PAPER,
            samples=[make_draft(seed) for seed in seeds],
            despite_duplicate=True,
            **changes,
        ).person

    return make


def act(client, action, *people, **extra):
    values = {"action": action, "_selected_action": [person.pk for person in people], **extra}
    return client.post(PEOPLE, values, follow=True)


def page_of(person) -> str:
    return reverse("admin:enrollment_person_change", args=[person.pk])


OFFERED = {
    Role.MANAGER: {"activate"},
    Role.PRIVACY_OFFICER: {"export_csv", "delete_selected"},
    Role.ADMINISTRATOR: {"activate", "export_csv", "delete_selected"},
}


class TestPeopleList:
    def test_shows_and_finds_people(self, staff_client, enroll):
        enroll("Ada Lovelace", 1, 2, external_id="17")
        enroll("Grace Hopper", 3)
        everybody = staff_client.get(PEOPLE).content.decode()
        assert "Ada Lovelace" in everybody
        assert "Grace Hopper" in everybody
        found = staff_client.get(PEOPLE, {"q": "17"}).content.decode()
        assert "Ada Lovelace" in found
        assert "Grace Hopper" not in found

    def test_needs_as_many_queries_for_many_people_as_for_one(
        self, staff_client, enroll, django_assert_max_num_queries
    ):
        for number in range(12):
            enroll(f"Person {number}", number)
        with django_assert_max_num_queries(10):
            staff_client.get(PEOPLE)

    @pytest.mark.parametrize("junk", ["created_at__year=99999999999999999999", "id__in=99999999999999999999", "p=-9"])
    def test_a_filter_that_makes_no_sense_is_no_fault(self, staff_client, enroll, junk):
        enroll("Ada", 1)
        response = staff_client.get(f"{PEOPLE}?{junk}", follow=True)
        assert response.status_code == 200

    def test_three_thousand_words_cost_no_more_than_ten(self, staff_client):
        with CaptureQueriesContext(connection) as queries:
            assert staff_client.get(PEOPLE, {"q": "a " * 3000}).status_code == 200
        assert max(query["sql"].count(" LIKE ") for query in queries) <= 2 * SEARCH_WORDS  # in name and external ID

    def test_does_not_offer_to_add_people(self, staff_client):
        assert "Add person" not in staff_client.get(PEOPLE).content.decode()
        assert staff_client.get(reverse("admin:enrollment_person_add")).status_code == 403

    def test_is_closed_to_receptionists_and_to_staff_without_a_role(self, receptionist_client, clerk_client):
        assert receptionist_client.get(PEOPLE).status_code == 302
        assert clerk_client.get(PEOPLE).status_code == 403


class TestPersonPage:
    def test_shows_the_samples_as_pictures_with_their_quality(self, staff_client, enroll):
        page = staff_client.get(page_of(enroll("Ada", 1, 2))).content.decode()
        assert page.count('src="data:image/jpeg;base64,') == 2
        assert "0.7" in page

    def test_offers_neither_adding_nor_deleting_samples(self, staff_client, enroll):
        page = staff_client.get(page_of(enroll("Ada", 1))).content.decode()
        assert 'type="file"' not in page
        assert "samples-0-DELETE" not in page

    def test_changes_go_through_the_service(self, staff_client, enroll, staff):
        ada = enroll("Ada", 1)
        before = GalleryRevision.objects.get().number
        formset = {"samples-TOTAL_FORMS": 0, "samples-INITIAL_FORMS": 0}
        answer = staff_client.post(page_of(ada), {"name": " Ada  L. ", "external_id": "", **formset}, follow=True)
        assert "was changed successfully" in answer.content.decode()
        ada.refresh_from_db()
        assert (ada.name, ada.external_id, ada.is_active) == ("Ada L.", None, False)
        assert GalleryRevision.objects.get().number == before + 1

    def test_says_beside_the_field_what_is_wrong(self, staff_client, enroll):
        enroll("Grace", 3, external_id="17")
        ada = enroll("Ada", 1)
        formset = {"samples-TOTAL_FORMS": 0, "samples-INITIAL_FORMS": 0}
        page = staff_client.post(page_of(ada), {"name": "\u202e", "external_id": "17", **formset}).content.decode()
        assert "Give the person&#x27;s name" in page
        assert "already exists" in page
        ada.refresh_from_db()
        assert ada.name == "Ada"


class TestActions:
    def test_deactivate_and_activate(self, staff_client, enroll):
        ada, grace = enroll("Ada", 1), enroll("Grace", 2)
        assert "2 people were deactivated" in act(staff_client, "deactivate", ada, grace).content.decode()
        assert not Person.objects.filter(is_active=True).exists()
        act(staff_client, "activate", ada)
        assert list(Person.objects.filter(is_active=True)) == [ada]

    def test_erase_asks_first(self, staff_client, enroll):
        ada = enroll("Ada", 1, 2)
        page = act(staff_client, "delete_selected", ada).content.decode()
        assert "Are you sure" in page
        assert "Samples: 2" in page
        assert Person.objects.filter(pk=ada.pk).exists()

    def test_erase_goes_through_the_service(self, staff_client, enroll, monkeypatch):
        ada, grace = enroll("Ada", 1), enroll("Grace", 2)
        forgotten: list[Person] = []
        monkeypatch.setattr(hooks, "erase", [forgotten.extend])
        act(staff_client, "delete_selected", ada, post="yes")
        assert list(Person.objects.all()) == [grace]
        assert FaceSample.objects.count() == FaceTemplate.objects.count() == 1
        assert [person.name for person in forgotten] == ["Ada"]

    def test_erase_from_the_persons_own_page(self, staff_client, enroll, monkeypatch):
        ada = enroll("Ada", 1)
        forgotten: list[Person] = []
        monkeypatch.setattr(hooks, "erase", [forgotten.extend])
        url = reverse("admin:enrollment_person_delete", args=[ada.pk])
        assert "Are you sure" in staff_client.get(url).content.decode()
        staff_client.post(url, {"post": "yes"})
        assert not Person.objects.exists()
        assert len(forgotten) == 1

    def test_erasing_one_person_leads_to_the_receipt_with_the_name(self, staff_client, enroll):
        ada, grace = enroll("Ada", 1), enroll("Grace", 2)
        own_page = reverse("admin:enrollment_person_delete", args=[ada.pk])
        assertContains(
            staff_client.post(own_page, {"post": "yes"}, follow=True), "<strong>Ada</strong> and all face data"
        )
        listed = act(staff_client, "delete_selected", grace, post="yes")
        assertContains(listed, "<strong>Grace</strong> and all face data")

    def test_erase_never_loads_crops_or_vectors_to_ask(self, staff_client, enroll, django_capture_on_commit_callbacks):
        ada = enroll("Ada", 1)
        with CaptureQueriesContext(connection) as queries:
            act(staff_client, "delete_selected", ada)
        assert not any('"crop"' in query["sql"] or '"embedding"' in query["sql"] for query in queries)

    @pytest.mark.django_db(transaction=True)
    def test_export(self, staff_client, enroll):
        answer = act(staff_client, "export_csv", enroll("=Ada", 1))
        lines = downloaded(answer).splitlines()
        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        assert "'=Ada" in lines[1]

    def test_erasing_several_people_waits_for_a_second_person(self, enroll):
        ada, grace = enroll("Ada", 1), enroll("Grace", 2)
        client, second = make_client(Role.PRIVACY_OFFICER), make_client(Role.PRIVACY_OFFICER, name="second")
        asked = act(client, "delete_selected", ada, grace, post="yes")
        assertContains(asked, "a second person must agree first", status_code=403)
        assert Person.objects.count() == 2
        assertContains(second.get("/site/approvals/"), "Grace")
        second.post(f"/site/approvals/{Approval.objects.get().pk}/", {"do": "agree"})
        done = act(client, "delete_selected", ada, grace, post="yes")
        assert not Person.objects.exists()
        for person in (ada, grace):
            assertContains(done, reverse("enrollment:receipt", args=[person.uuid]))
        assertNotContains(done, "Grace")

    def test_people_selected_across_pages_are_erased_with_fewer_fields_than_people(self, settings):
        settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 20
        Person.objects.bulk_create(Person(name=f"P{number}", folded=f"p{number}") for number in range(60))
        client, second = make_client(Role.PRIVACY_OFFICER), make_client(Role.PRIVACY_OFFICER, name="second")
        page = act(client, "delete_selected", Person.objects.all()[0], select_across="1").content.decode()
        (everybody,) = re.findall(r'name="_selected_action" value="([^"]*)"', page)
        confirmed = {"action": "delete_selected", "_selected_action": everybody, "post": "yes"}
        assert client.post(PEOPLE, confirmed).status_code == 403  # a second person must agree
        second.post(f"/site/approvals/{Approval.objects.get().pk}/", {"do": "agree"})
        client.post(PEOPLE, confirmed)
        assert not Person.objects.exists()

    def test_follow_the_rights(self, enroll):
        ada = enroll("Ada", 1)
        for role, offered in OFFERED.items():
            client = make_client(role)
            page = client.get(PEOPLE).content.decode()
            assert {
                name for name in ("activate", "export_csv", "delete_selected") if f'value="{name}"' in page
            } == offered
            if "delete_selected" not in offered:
                act(client, "delete_selected", ada, post="yes")
            if "export_csv" not in offered:
                assert act(client, "export_csv", ada)["Content-Type"].startswith("text/html")
        assert Person.objects.exists()


class TestTemplates:
    def test_are_listed_without_their_vectors(self, staff_client, enroll):
        ada = enroll("Ada", 1)
        template = FaceTemplate.objects.get()
        url = reverse("admin:enrollment_facetemplate_change", args=[template.pk])
        secrets = [base64.b64encode(bytes(template.embedding)).decode(), str(bytes(template.embedding)[:6])]
        for page in (staff_client.get(TEMPLATES).content.decode(), staff_client.get(url).content.decode()):
            assert ada.name in page
            assert not any(secret in page for secret in secrets)

    def test_load_neither_vectors_nor_crops(self, staff_client, enroll):
        for number in range(5):
            enroll(f"Person {number}", number)
        with CaptureQueriesContext(connection) as queries:
            staff_client.get(TEMPLATES)
        assert len(queries) <= 9
        assert not any("crop" in query["sql"] or "embedding" in query["sql"] for query in queries)

    def test_can_be_neither_added_nor_deleted(self, staff_client, enroll):
        enroll("Ada", 1)
        template = FaceTemplate.objects.get()
        assert staff_client.get(reverse("admin:enrollment_facetemplate_add")).status_code == 403
        url = reverse("admin:enrollment_facetemplate_delete", args=[template.pk])
        assert staff_client.post(url, {"post": "yes"}).status_code == 403
