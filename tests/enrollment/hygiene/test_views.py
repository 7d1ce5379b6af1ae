"""The hygiene page and its buttons, through HTTP, on real faces with a planted duplicate and a planted stranger."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from django.test import Client
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from enrollment import services
from enrollment.hygiene import actions as hygiene
from enrollment.hygiene import views as hygiene_views
from enrollment.models import FaceSample, HygieneAction, Person, PersonPair
from tests.support.ids import NOBODY

pytestmark = pytest.mark.django_db
MAN, OTHER, WOMAN = "Pierce_Brosnan", "Bill_Gates", "Halle_Berry"
PAGE = "/enrollment/hygiene/"


@pytest.fixture
def man(enroll_real) -> Person:
    return enroll_real(MAN, slice(3))


@pytest.fixture
def again(man, enroll_real) -> Person:
    return enroll_real(MAN, slice(3, None), name="Somebody else")


@pytest.fixture
def wrong(man, enroll_real, drafts_of) -> FaceSample:
    """A woman's picture among the man's, searched although it does not fit."""
    draft = drafts_of(WOMAN)[0]
    services.add_samples(actor=None, person=man, samples=[draft], despite_duplicate=True)
    FaceSample.objects.filter(digest=draft.digest).update(set_aside=False, set_aside_reason="")
    services.bump_gallery_revision([man.uuid])
    return FaceSample.objects.get(digest=draft.digest)


class TestLength:
    def test_a_long_list_begins_with_a_few_and_folds_the_others(self, operator_client, enroll):
        ada, bob = enroll("Ada", 1), enroll("Bob", 2)
        for _ in range(6):
            HygieneAction.objects.create(kind=HygieneAction.Kind.NOTE_PAIR, person=ada, other=bob)
        page = operator_client.get(PAGE).content.decode()
        shown, fold, folded = page.partition('<details class="more">')
        assert fold
        assert (shown.count("Ada and Bob noted"), folded.count("Ada and Bob noted")) == (4, 2)
        assert "Show the other 2" in folded


class TestAccess:
    def test_needs_a_login(self, client):
        assertRedirects(client.get(PAGE), f"/accounts/login/?next={PAGE}", fetch_redirect_response=False)

    @pytest.mark.parametrize("path", ["", "merge/", "note/", "forget/", f"actions/{NOBODY}/undo/"])
    def test_is_for_managers(self, receptionist_client, path):
        response = receptionist_client.post(PAGE + path) if path else receptionist_client.get(PAGE)
        assert response.status_code == 403

    @pytest.mark.parametrize("path", ["", "merge/", "note/", "forget/", f"actions/{NOBODY}/undo/"])
    def test_needs_a_role_beside_staff_rights(self, clerk_client, path):
        response = clerk_client.post(PAGE + path) if path else clerk_client.get(PAGE)
        assert response.status_code == 403

    @pytest.mark.parametrize("score", ["nan", "inf", "-2", "", "high"])
    def test_a_score_that_is_none_is_not_found(self, staff_client, man, enroll_real, score):
        pair = {"first": man.uuid, "second": enroll_real(OTHER, slice(1)).uuid, "score": score}
        assert staff_client.post(PAGE + "note/", pair).status_code == 404

    def test_is_linked_for_those_who_may_see_it(self, operator_client, receptionist_client):
        assertContains(operator_client.get("/enrollment/people/"), f'href="{PAGE}"')
        assertNotContains(receptionist_client.get("/enrollment/people/"), f'href="{PAGE}"')

    @pytest.mark.parametrize("model", ["hygieneaction", "personpair"])
    def test_the_admin_shows_what_was_done_and_changes_nothing(self, staff_client, operator, man, enroll_real, model):
        other = enroll_real(OTHER, slice(1))
        hygiene.note_pair(actor=operator, first=man, second=other, comparison_score=0.5)
        assertContains(staff_client.get(f"/admin/enrollment/{model}/"), MAN)
        assert staff_client.get(f"/admin/enrollment/{model}/add/").status_code == 403

    @pytest.mark.parametrize("path", ["merge/", "note/", "forget/"])
    def test_changes_only_by_post_with_the_csrf_token(self, staff, staff_client, path):
        assert staff_client.get(PAGE + path).status_code == 405
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(staff)
        assert strict.post(PAGE + path).status_code == 403

    def test_every_button_of_a_finding_carries_the_csrf_token(self, staff, man, again, engine):
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(staff)
        page = strict.get(PAGE).content.decode()
        forms = [form.partition("</form>")[0] for form in page.split("<form ")[1:]]
        assert len([form for form in forms if f"{PAGE}merge/" in form]) == 2
        tokens = [found for form in forms for found in re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', form)]
        assert len(tokens) == len(forms)
        note = {"first": man.uuid, "second": again.uuid, "score": "0.9", "csrfmiddlewaretoken": tokens[-1]}
        assertRedirects(strict.post(f"{PAGE}note/", note), PAGE, fetch_redirect_response=False)
        assert PersonPair.objects.exists()

    @pytest.mark.parametrize("path", ["merge/", "note/", f"actions/{NOBODY}/undo/"])
    def test_unknown_people_and_actions_are_not_found(self, staff_client, path):
        unknown = {name: str(uuid4()) for name in ("keep", "merge", "first", "second")}
        assert staff_client.post(PAGE + path, unknown).status_code == 404


class TestReport:
    def test_of_an_empty_gallery_says_so_kindly(self, staff_client, engine):
        response = staff_client.get(PAGE)
        assertContains(response, "Nobody seems to be enrolled twice.")
        assertContains(response, "Every sample fits its person.")
        assertContains(response, "Nothing was merged, set aside or noted yet.")

    def test_shows_both_faces_of_a_likely_duplicate(self, staff_client, man, again):
        response = staff_client.get(PAGE)
        (row,) = response.context["report"].duplicates
        assertContains(response, f"/enrollment/samples/{row.first_sample.uuid}.jpg")
        assertContains(response, f"/enrollment/samples/{row.second_sample.uuid}.jpg")
        assertContains(response, "Same person: merge into Somebody else")

    def test_shows_a_sample_that_does_not_fit(self, staff_client, wrong):
        response = staff_client.get(PAGE)
        assertContains(response, f"/enrollment/samples/{wrong.uuid}.jpg")
        assertContains(response, "It is right: keep it")

    def test_sends_a_very_large_gallery_to_the_command(self, staff_client, man, monkeypatch):
        monkeypatch.setattr(hygiene_views, "MOST_TEMPLATES", 2)
        assertContains(staff_client.get(PAGE), "manage.py hygiene")

    def test_says_when_no_pack_is_installed(self, staff_client, no_engine, settings, tmp_path):
        settings.FACESITE_MODELS_DIR, settings.FACESITE_MODEL_PACK = tmp_path, "mobile"
        assertContains(staff_client.get(PAGE), "packs install")


class TestActions:
    def test_a_merge_and_its_undo(self, staff_client, staff, man, again):
        response = staff_client.post(PAGE + "merge/", {"keep": man.uuid, "merge": again.uuid}, follow=True)
        assertContains(response, f"Somebody else was merged into {MAN}.")
        assertContains(response, "Nobody seems to be enrolled twice.")
        assertContains(staff_client.get(again.get_absolute_url()), "This record was merged into")
        action = HygieneAction.objects.get()
        assert action.actor == staff
        response = staff_client.post(f"{PAGE}actions/{action.uuid}/undo/", follow=True)
        assertContains(response, "This was undone.")
        assertContains(response, "Same person: merge into Somebody else")
        response = staff_client.post(f"{PAGE}actions/{action.uuid}/undo/", follow=True)
        assertContains(response, "This was undone already.")

    def test_a_note_and_its_removal(self, staff_client, staff, man, again):
        pair = {"first": man.uuid, "second": again.uuid}
        response = staff_client.post(PAGE + "note/", {**pair, "score": "0.71"}, follow=True)
        assertContains(response, "are noted as different people")
        assertNotContains(response, "Same person: merge into")
        assert PersonPair.objects.get().noted_by == staff
        response = staff_client.post(PAGE + "forget/", pair, follow=True)
        assertContains(response, "Same person: merge into Somebody else")
        assert staff_client.post(PAGE + "note/", {**pair, "score": "much"}).status_code == 404

    def test_setting_a_misfit_aside(self, staff_client, wrong):
        url = f"/enrollment/samples/{wrong.uuid}/aside/"
        response = staff_client.post(url, {"aside": "yes", "from": "hygiene"}, follow=True)
        assertContains(response, "Every sample fits its person.")
        wrong.refresh_from_db()
        assert (wrong.set_aside, wrong.set_aside_reason) == (True, "operator")

    def test_keeping_a_misfit(self, staff_client, wrong):
        url = f"/enrollment/samples/{wrong.uuid}/aside/"
        assertContains(staff_client.post(url, {"from": "hygiene"}, follow=True), "Every sample fits its person.")
        wrong.refresh_from_db()
        assert wrong.taken_back and not wrong.set_aside


class TestPersonPage:
    def test_takes_back_what_was_set_aside(self, operator_client, enroll_real, drafts_of):
        person = enroll_real(MAN, slice(3), extra=(drafts_of(WOMAN)[0],))
        response = operator_client.get(person.get_absolute_url())
        assertContains(response, "Set aside: does not fit the others")
        sample = person.samples.get(set_aside=True)
        response = operator_client.post(f"/enrollment/samples/{sample.uuid}/aside/", {"aside": "no"}, follow=True)
        assertContains(response, "was taken back and is searched.")
        assertNotContains(response, "Set aside: does not fit")

    def test_offers_setting_aside_before_removing(self, operator_client, man):
        sample = man.samples.first()
        url = f"/enrollment/samples/{sample.uuid}/"
        assertContains(operator_client.get(url + "remove/"), f'formaction="{url}aside/"')
        operator_client.post(url + "aside/", {"aside": "yes"})
        assert man.samples.filter(set_aside=True).count() == 1

    def test_a_sample_that_is_gone_is_not_found(self, operator_client):
        assert operator_client.post(f"/enrollment/samples/{uuid4()}/aside/").status_code == 404


class TestUpload:
    """The question about a possible duplicate, on the upload page."""

    @pytest.fixture
    def asked(self, operator_client, man, shared_faces):
        path = sorted((shared_faces / "eval" / MAN).glob("*.jpg"))[4]
        with path.open("rb") as photo:
            form = {"name": "Twin", "external_id": "", "consent": "on", "photos": [photo]}
            return operator_client.post("/enrollment/upload/", form)

    def answer(self, client, asked, **values):
        form = {"name": "Twin", "external_id": "", "consent": "on", "held": asked.context["held"]}
        return client.post("/enrollment/upload/", form | values)

    def test_shows_both_faces(self, asked, man):
        ((candidate, new, theirs),) = asked.context["candidates"]
        assert asked.status_code == 409
        assert candidate.person == man
        assert new.startswith("data:image/jpeg") and theirs.startswith("data:image/jpeg") and new != theirs
        assertContains(asked, "Different person: enrol, and note it", status_code=409)

    def test_notes_the_pair_of_a_different_person(self, operator_client, operator, asked, man):
        self.answer(operator_client, asked, despite_duplicate="yes")
        pair = PersonPair.objects.get()
        assert ({pair.first, pair.second}, pair.noted_by) == ({man, Person.objects.get(name="Twin")}, operator)

    def test_adds_to_the_same_person_without_a_note(self, operator_client, asked, man):
        assertRedirects(self.answer(operator_client, asked, add_to=str(man.uuid)), man.get_absolute_url())
        assert man.samples.count() == 4
        assert not PersonPair.objects.exists()
        assert Person.objects.count() == 1
