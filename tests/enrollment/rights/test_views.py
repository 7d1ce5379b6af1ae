from __future__ import annotations

import io
import json
import zipfile
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from enrollment.consent.records import NO_CONSENT
from enrollment.models import ConsentPolicy, ErasureReceipt, Person
from enrollment.receipts import problem_with
from security.models import Approval, AuditEvent
from security.roles.table import Role
from security.signing import site_public_key
from tests.support.operators import make_client, unlock

pytestmark = pytest.mark.django_db


def page(person, action: str) -> str:
    return reverse(f"enrollment:{action}", args=[person.uuid])


class TestConsentOnThePersonsPage:
    def test_says_plainly_that_none_was_recorded(self, staff_client, enroll):
        ada = enroll("Ada", 1, consent=NO_CONSENT)
        response = staff_client.get(ada.get_absolute_url())
        assertContains(response, "No consent recorded.")
        assertContains(response, "came by an import")
        assertNotContains(response, "Given</dt>")

    def test_gives_the_browser_its_days_as_browsers_read_them_in_every_language(self, staff_client, enroll):
        form = staff_client.get(page(enroll("Ada", 1), "consent"), headers={"Accept-Language": "de"})
        assertContains(form, f'type="date" name="given_on" value="{timezone.localdate():%Y-%m-%d}"')

    def test_leads_to_the_text_as_it_was(self, staff_client, operator_client, enroll):
        ada = enroll("Ada", 1)
        staff_client.post(page(ada, "consent"), {"legal_basis": "consent", "how": "ticked", "text": "1"})
        text = ada.consent.text
        assertContains(staff_client.get(ada.get_absolute_url()), f'href="/site/consent/texts/{text.pk}/"')

    def test_only_who_may_export_is_offered_a_copy(self, operator_client, enroll):
        ada = enroll("Ada", 1)
        assertNotContains(operator_client.get(ada.get_absolute_url()), "Make a copy")
        officer = make_client(Role.PRIVACY_OFFICER)
        assertContains(officer.get(ada.get_absolute_url()), "Make a copy")


class TestRecordingAConsent:
    def test_on_paper_with_day_and_note(self, staff_client, staff, enroll):
        ada = enroll("Ada", 1, consent=NO_CONSENT)
        day, until = timezone.localdate() - timedelta(days=2), timezone.localdate() + timedelta(days=400)
        data = {"legal_basis": "consent", "how": "paper", "given_on": day, "valid_until": until, "note": "Folder 7"}
        assertRedirects(staff_client.post(page(ada, "consent"), data), ada.get_absolute_url())
        record = ada.consent
        assert (record.how, record.text, record.given_to, record.note) == ("paper", None, staff, "Folder 7")
        assert (timezone.localdate(record.given_at), record.valid_until) == (day, until)
        assertContains(staff_client.get(ada.get_absolute_url()), "Earlier records (1)")

    def test_suggests_the_sites_validity(self, staff_client, enroll):
        ConsentPolicy.objects.create(months=12)
        response = staff_client.get(page(enroll("Ada", 1), "consent"))
        until = response.context["form"]["valid_until"].initial
        assert until > timezone.localdate() + timedelta(days=360)

    def test_says_what_is_wrong(self, staff_client, enroll):
        ada = enroll("Ada", 1)
        tomorrow = timezone.localdate() + timedelta(days=1)
        data = {"legal_basis": "consent", "how": "paper", "given_on": tomorrow}
        assertContains(staff_client.post(page(ada, "consent"), data), "in the future", status_code=400)
        data = {"legal_basis": "consent", "how": "paper", "valid_until": "2020-01-01"}
        assertContains(staff_client.post(page(ada, "consent"), data), "in the past", status_code=400)
        assert ada.consents.count() == 1


class TestWithdrawing:
    def test_says_when_the_erasure_comes_and_can_be_undone(self, staff_client, enroll):
        ada = enroll("Ada", 1)
        response = staff_client.post(page(ada, "withdraw_consent"), follow=True)
        day = timezone.localdate() + timedelta(days=14)
        assertContains(response, f"will be erased on {day.day} {day:%B %Y}.", count=2)
        assertContains(response, "Undo the withdrawal")
        assert not Person.objects.get().is_active
        staff_client.post(page(ada, "undo_withdrawal"))
        assert Person.objects.get().is_active

    def test_activating_is_refused_in_words(self, staff_client, enroll):
        ada = enroll("Ada", 1)
        staff_client.post(page(ada, "withdraw_consent"))
        response = staff_client.post(page(ada, "person_active"), {"active": "yes"}, follow=True)
        assertContains(response, "consent has ended. Record a new one")
        assert not Person.objects.get().is_active

    def test_the_dashboard_and_the_list_name_who_waits(self, staff_client, enroll, engine):
        ada, _ = enroll("Ada", 1), enroll("Grace", 2, consent=NO_CONSENT)
        staff_client.post(page(ada, "withdraw_consent"))
        dashboard = staff_client.get("/")
        assertContains(dashboard, "The consent of 1 person has ended")
        assertContains(dashboard, "No consent is recorded for 1 person.")
        assert [row[0].name for row in staff_client.get("/enrollment/people/?active=ended").context["rows"]] == ["Ada"]
        unrecorded = staff_client.get("/enrollment/people/?active=unrecorded").context["rows"]
        assert [row[0].name for row in unrecorded] == ["Grace"]

    def test_an_operator_without_the_right_is_refused(self, clerk_client, operator_client, enroll):
        ada = enroll("Ada", 1)
        for action in ("consent", "withdraw_consent", "undo_withdrawal", "export_person"):
            assert clerk_client.post(page(ada, action), {}).status_code == 403
        assert operator_client.post(page(ada, "export_person")).status_code == 403
        assert Person.objects.get().is_active


class TestCopy:
    def test_takes_a_second_person(self, staff_client, enroll):
        response = staff_client.post(page(enroll("Ada", 1), "export_person"))
        assertContains(response, "a second person must agree first", status_code=403)
        assert Approval.objects.count() == 1

    def test_is_a_zip_of_everything_and_is_written_down(self, staff_client, staff, enroll):
        ada = enroll("Ada", 1, 2)
        assertContains(staff_client.get(page(ada, "export_person")), "not encrypted")
        unlock(Approval.Action.EXPORT_BIOMETRICS, asker=staff, target=f"person:{ada.uuid}")
        response = staff_client.post(page(ada, "export_person"))
        assert response["Content-Disposition"] == f'attachment; filename="person-{ada.uuid}.zip"'
        assert "no-store" in response["Cache-Control"]
        with zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content))) as archive:
            assert archive.testzip() is None
            data = json.loads(archive.read("data.json"))
        assert (data["people"][0]["name"], len(data["samples"])) == ("Ada", 2)
        assert AuditEvent.objects.get(action="person.exported").target == f"person:{ada.uuid}"


class TestReceipt:
    @pytest.fixture
    def erased(self, staff_client, enroll):
        ada = enroll("Ada Lovelace", 1)
        url = f"{ada.get_absolute_url()}erase/"
        assertRedirects(staff_client.post(url, {"typed_name": "Ada Lovelace"}), page(ada, "receipt"))
        return ada

    def test_has_the_name_in_the_browser_that_erased(self, staff_client, erased):
        response = staff_client.get(page(erased, "receipt"))
        assertContains(response, "<strong>Ada Lovelace</strong> and all face data were erased")
        assertContains(response, "1 pictures of the face")

    def test_comes_as_json_that_can_be_verified(self, staff_client, erased):
        response = staff_client.get(page(erased, "receipt_json"))
        assert "attachment" in response["Content-Disposition"]
        document = json.loads(response.content)
        assert document["name"] == "Ada Lovelace"
        assert problem_with(document, site_public_key()) == ""

    def test_comes_as_one_html_file(self, staff_client, erased):
        response = staff_client.get(page(erased, "receipt_html"))
        assertContains(response, "Ada Lovelace")
        assertNotContains(response, "/static/")

    def test_has_no_name_anywhere_else(self, client, staff, erased):
        client.force_login(staff)
        for action in ("receipt", "receipt_json", "receipt_html"):
            assertNotContains(client.get(page(erased, action)), "Lovelace")

    def test_another_persons_cookie_gives_no_name(self, staff_client, erased, enroll):
        grace = enroll("Grace", 2)
        stolen = staff_client.cookies["erasure_receipt"].value
        staff_client.post(f"{grace.get_absolute_url()}erase/", {"typed_name": "Grace"})
        staff_client.cookies["erasure_receipt"] = stolen
        assertNotContains(staff_client.get(page(grace, "receipt")), "Lovelace")

    def test_needs_the_right_to_erase(self, operator_client, erased):
        assert operator_client.get(page(erased, "receipt")).status_code == 403

    def test_there_is_none_of_a_person_who_is_there(self, staff_client, enroll):
        ada = enroll("Ada", 3)
        assert staff_client.get(page(ada, "receipt")).status_code == 404
        assert not ErasureReceipt.objects.exists()
