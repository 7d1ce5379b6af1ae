from __future__ import annotations

import pytest
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from enrollment.consent.policy import current_consent_policy
from enrollment.models import ConsentPolicy, ConsentText, PrivacyNotice
from verification.models import UnknownPolicy

pytestmark = pytest.mark.django_db

PAGE = "/site/consent/"
POLICY = "/site/consent/policy/"
NOTICE = "/site/privacy-notice/"


class TestRights:
    @pytest.mark.parametrize("url", [PAGE, NOTICE])
    def test_a_login_alone_is_not_enough(self, client, operator_client, url):
        assert client.get(url).status_code == 302
        assert operator_client.get(url).status_code == 403
        assert operator_client.post(url, {}).status_code == 403


class TestConsentPage:
    def test_shows_the_text_and_its_versions(self, staff_client):
        response = staff_client.get(PAGE)
        assertContains(response, "I agree that pictures of my face are taken")
        assertContains(response, "en-1")

    def test_previews_without_saving(self, staff_client):
        response = staff_client.post(PAGE, {"language": "de", "body": "Eins\n\n<b>Zwei</b>", "do": "preview"})
        assertContains(response, "<p>&lt;b&gt;Zwei&lt;/b&gt;</p>")
        assertContains(response, "not saved yet")
        assert ConsentText.objects.count() == 1

    def test_saves_a_version_that_enrolment_then_shows(self, staff_client):
        response = staff_client.post(PAGE, {"language": "en", "body": "I agree to be seen.", "do": "save"})
        assertRedirects(response, PAGE)
        enrol = staff_client.get("/enrollment/")
        assertContains(enrol, "I agree to be seen.")
        assertContains(enrol, "(version en-2)")

    def test_says_beside_the_field_what_is_wrong(self, staff_client):
        response = staff_client.post(PAGE, {"language": "??", "body": "x", "do": "save"})
        assertContains(response, "Give the language as a code", status_code=400)

    def test_earlier_versions_can_be_read(self, staff_client):
        first = ConsentText.objects.get()
        staff_client.post(PAGE, {"language": "en", "body": "Another.", "do": "save"})
        response = staff_client.get(f"/site/consent/texts/{first.pk}/")
        assertContains(response, "I agree that pictures of my face are taken")
        assertContains(response, "A newer version has replaced it")
        assert staff_client.get("/site/consent/texts/9999/").status_code == 404


class TestConsentPolicyPage:
    def test_saves_it(self, staff_client):
        data = {"bases": ["consent", "contract"], "tick_required": "on", "months": "24", "grace_days": "7"}
        assertRedirects(staff_client.post(POLICY, data), PAGE)
        policy = current_consent_policy()
        assert (policy.bases, policy.tick_required, policy.months, policy.grace_days) == (
            ["consent", "contract"],
            True,
            24,
            7,
        )

    def test_says_what_is_wrong(self, staff_client):
        response = staff_client.post(POLICY, {"bases": ["contract"], "tick_required": "on", "grace_days": "7"})
        assertContains(response, "The tick is a consent", status_code=400)
        assert not ConsentPolicy.objects.exists()


class TestPublicNotice:
    def test_everybody_may_read_it_and_it_says_what_is_missing(self, client):
        response = client.get("/privacy/")
        assertContains(response, "The site has not filled this in yet", count=2)
        assertContains(response, "until you withdraw")
        assertContains(response, "14 days later it is erased")
        assertContains(response, "not kept for recognition")
        assertContains(response, "The small picture of a decision at a camera: 30 days.")
        assertContains(response, "The decision itself, without the picture: until somebody erases it.")

    def test_shows_what_the_site_filled_in_line_by_line_and_escaped(self, client, staff_client):
        data = {"purpose": "The door\nof the lab <script>", "contact": "Desk\n\n+49 30 1", "more": ""}
        assertRedirects(staff_client.post(NOTICE, data), NOTICE)
        response = client.get("/privacy/")
        assertContains(response, "<p>The door<br>of the lab &lt;script&gt;</p>")
        assertContains(response, "<p>+49 30 1</p>")
        assertNotContains(response, "has not filled this in")

    def test_tells_the_periods_of_the_rules_in_force(self, client):
        ConsentPolicy.objects.create(months=24, grace_days=1)
        UnknownPolicy.objects.create(keep=True, days=3)
        response = client.get("/privacy/")
        assertContains(response, "for 24 months, or until you withdraw")
        assertContains(response, "1 day later it is erased")
        assertContains(response, "match nobody who is enrolled: 3 days")

    def test_the_sign_in_page_and_enrolment_lead_to_it(self, client, operator_client):
        assertContains(client.get("/accounts/login/"), 'href="/privacy/"')
        assertContains(operator_client.get("/enrollment/"), 'href="/privacy/"')

    def test_the_form_shows_what_was_saved(self, staff_client):
        PrivacyNotice.objects.create(purpose="The door", contact="Desk")
        assertContains(staff_client.get(NOTICE), "The door")
