from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from enrollment.models import Person
from enrollment.runtime.gallery import reset_gallery
from security.models import Approval
from security.roles.second_person import Action
from security.roles.table import Role
from tests.support.ids import NOBODY
from tests.support.operators import make_client, unlock
from tests.verification.conftest import ADA, STRANGER
from tests.verification.review.test_unknowns import keeping, policy, see  # noqa: F401  # fixtures
from verification.models import InboxAction, UnknownFace, UnknownPolicy
from verification.review.unknowns import SEARCHED

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("liveness_off", "engine")]
INBOX = "/verification/unknown/"
FACES = "/verification/unknown/faces/"


@pytest.fixture
def searching(operator, staff) -> None:
    """Two operators have opened the search."""
    unlock(Action.SEARCH_UNKNOWN, asker=operator, second=staff, target=SEARCHED)


@pytest.fixture
def ada_faces(see, keeping, searching) -> list[UnknownFace]:  # noqa: F811
    """Three pictures of one person who is not enrolled."""
    for number in (2, 3, 4):
        see(ADA, number)
    return list(UnknownFace.objects.all())


@pytest.fixture
def page(ada_faces) -> str:
    reset_gallery()
    return f"{FACES}?face={ada_faces[0].uuid}"


def ticked(faces, do: str, **fields: str) -> dict[str, Any]:
    return {"face": [str(face.uuid) for face in faces], "do": do, **fields}


class TestInbox:
    def test_says_that_nothing_is_kept_until_somebody_turns_it_on(self, operator_client):
        response = operator_client.get(INBOX)
        assertContains(response, "Unknown faces are not kept")
        assertNotContains(response, 'name="keep"')

    def test_shows_groups_with_their_faces_and_the_number_in_the_bar(self, operator_client, ada_faces, see):  # noqa: F811
        see(STRANGER, 1)
        response = operator_client.get(INBOX)
        assertContains(response, "2 groups.")
        assertContains(response, "3 faces")
        assertContains(response, "data:image/jpeg", count=4)
        assertContains(response, 'badge--accent">2<')

    def test_takes_the_same_few_queries_however_many_faces_there_are(
        self,
        operator_client,
        ada_faces,
        see,  # noqa: F811
        django_assert_max_num_queries,
    ):
        operator_client.get(INBOX)
        see(STRANGER, 1)
        with django_assert_max_num_queries(25):  # the people in the bar are counted anew
            operator_client.get(INBOX)
        with django_assert_max_num_queries(22):
            operator_client.get(INBOX)

    def test_several_groups_are_dismissed_at_once_and_brought_back(self, operator_client, ada_faces, see):  # noqa: F811
        see(STRANGER, 1)
        clusters = [cluster.uuids for cluster in operator_client.get(INBOX).context["page"]]
        operator_client.post(INBOX, {"cluster": clusters, "do": "dismiss"})
        assert not UnknownFace.objects.filter(handled_by=None).exists()
        action = InboxAction.objects.get()
        assertContains(operator_client.get(INBOX), f"actions/{action.uuid}/undo/")
        operator_client.post(f"{INBOX}actions/{action.uuid}/undo/")
        assert UnknownFace.objects.filter(handled_by=None).count() == 4

    def test_deletes_exactly_what_was_shown(self, operator_client, ada_faces, see):  # noqa: F811
        (cluster,) = operator_client.get(INBOX).context["page"]
        see(ADA, 6)  # joins the group after the page was read
        operator_client.post(INBOX, {"cluster": cluster.uuids, "do": "delete"})
        assert UnknownFace.objects.count() == 1

    def test_several_groups_are_opened_together(self, operator_client, ada_faces, see):  # noqa: F811
        see(STRANGER, 1)
        clusters = [cluster.uuids for cluster in operator_client.get(INBOX).context["page"]]
        response = operator_client.post(INBOX, {"cluster": clusters, "do": "together"}, follow=True)
        assert len(response.context["faces"]) == 4

    def test_asks_to_tick_something(self, operator_client, ada_faces):
        response = operator_client.post(INBOX, {"do": "delete"}, follow=True)
        assertContains(response, "Tick at least one group")

    def test_says_which_command_installs_a_pack(self, operator_client, no_engine, settings, tmp_path):
        settings.FACESITE_MODELS_DIR, settings.FACESITE_MODEL_PACK = tmp_path, "mobile"
        assertContains(operator_client.get(INBOX), "manage.py packs install")

    @pytest.mark.parametrize("url", [INBOX, FACES])
    def test_needs_a_login(self, client, url):
        assertRedirects(client.get(url), f"/accounts/login/?next={url}", fetch_redirect_response=False)


class TestLock:
    """Without a second person nobody is searched for among strangers."""

    @pytest.fixture
    def locked(self, ada_faces) -> None:
        Approval.objects.all().delete()

    def test_shows_each_face_by_itself(self, operator_client, locked):
        response = operator_client.get(INBOX)
        assertContains(response, "The search among unknown faces is locked")
        assertContains(response, "3 groups.")
        assertNotContains(response, "3 faces")

    def test_offers_nobody_who_looks_alike(self, operator_client, page, locked, enrol, picture):
        enrol("Ada", picture(ADA, 1))
        reset_gallery()
        assertNotContains(operator_client.get(page), "comparison score")

    def test_opens_when_another_operator_agrees_and_not_before(self, operator_client, staff_client, locked):
        operator_client.post(f"{INBOX}unlock/")
        approval = Approval.objects.get()
        operator_client.post(f"/site/approvals/{approval.pk}/", {"do": "agree"})
        assertContains(operator_client.get(INBOX), "3 groups.")
        staff_client.post(f"/site/approvals/{approval.pk}/", {"do": "agree"})
        assertContains(operator_client.get(INBOX), "1 group.")

    def test_leaves_a_privacy_officer_to_dismiss_and_delete(self, page, ada_faces):
        client = make_client(Role.PRIVACY_OFFICER)
        assertNotContains(client.get(page), "Enrol as a new person")
        data = ticked(ada_faces[:2], "enrol", name="Ada", consent="on")
        assert client.post(page, data).status_code == 403
        client.post(page, ticked(ada_faces, "delete"))
        assert not UnknownFace.objects.exists()


class TestPolicy:
    def test_is_for_those_who_set_how_long_data_is_kept(self, operator_client, clerk_client, staff_client):
        for other in (operator_client, clerk_client):
            assert other.post(f"{INBOX}policy/", {"keep": "on", "days": 3}).status_code == 403
        assert not UnknownPolicy.objects.exists()
        staff_client.post(f"{INBOX}policy/", {"keep": "on", "days": 3})
        assert (UnknownPolicy.objects.get().keep, UnknownPolicy.objects.get().days) == (True, 3)
        assertContains(staff_client.get(INBOX), "Kept for 3 days")

    def test_refuses_other_days(self, staff_client):
        response = staff_client.post(f"{INBOX}policy/", {"keep": "on", "days": 31}, follow=True)
        assertContains(response, "between 1 and 30 days")
        assert not UnknownPolicy.objects.exists()


class TestCluster:
    def test_enrols_the_ticked_faces_as_a_new_person(self, operator_client, page, ada_faces, operator):
        data = ticked(ada_faces[:2], "enrol", name="Ada", consent="on")
        assertRedirects(operator_client.post(page, data), INBOX, fetch_redirect_response=False)
        person = Person.objects.get()
        assert (person.name, person.created_by, person.samples.count()) == ("Ada", operator, 2)
        assert UnknownFace.objects.filter(handled_by=None).count() == 1

    def test_needs_name_and_consent(self, operator_client, page, ada_faces):
        response = operator_client.post(page, ticked(ada_faces, "enrol"))
        assertContains(response, "must agree to the consent text", status_code=409)
        assertContains(response, "Give the person&#x27;s name.", status_code=409)
        assert not Person.objects.exists()

    def test_adds_them_to_somebody_who_looks_alike(self, operator_client, page, ada_faces, enrol, picture):
        ada = enrol("Ada", picture(ADA, 1))
        reset_gallery()
        assertContains(operator_client.get(page), "comparison score")
        operator_client.post(page, ticked(ada_faces, "assign", person=str(ada.uuid)))
        assert ada.samples.count() == 4

    def test_asks_before_it_enrols_somebody_twice(self, operator_client, page, ada_faces, enrol, picture):
        enrol("Ada", picture(ADA, 1))
        reset_gallery()
        data = ticked(ada_faces, "enrol", name="Another", consent="on")
        assertContains(operator_client.post(page, data), "look like somebody who is enrolled", status_code=409)
        assert Person.objects.count() == 1
        operator_client.post(page, data | {"despite_duplicate": "on"})
        assert Person.objects.count() == 2

    def test_asks_whom_to_add_them_to(self, operator_client, page, ada_faces):
        response = operator_client.post(page, ticked(ada_faces, "assign"))
        assertContains(response, "Choose a person, or type", status_code=409)

    def test_says_when_nothing_is_ticked(self, operator_client, page):
        data = ticked([], "enrol", name="Ada", consent="on")
        assertContains(operator_client.post(page, data), "Tick at least one face.", status_code=409)

    @pytest.mark.parametrize(("do", "left"), [("dismiss", 3), ("delete", 0)])
    def test_dismisses_and_deletes(self, operator_client, page, ada_faces, do, left):
        operator_client.post(page, ticked(ada_faces, do))
        assert UnknownFace.objects.count() == left
        assert not UnknownFace.objects.filter(handled_by=None).exists()

    @pytest.mark.parametrize("query", ["", "?face=nonsense", f"?face={NOBODY}"])
    def test_faces_that_are_gone_lead_back_to_the_inbox(self, operator_client, query):
        response = operator_client.get(FACES + query, follow=True)
        assertContains(response, "no longer in the inbox")

    def test_an_action_that_does_not_exist_is_not_found(self, operator_client):
        assert operator_client.post(f"{INBOX}actions/{uuid4()}/undo/").status_code == 404
