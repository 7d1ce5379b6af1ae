"""The pages on the starter pack: they work, and say what it cannot do."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django.asserts import assertContains, assertNotContains

from enrollment.models import Person
from enrollment.runtime.gallery import current_gallery, mark_gallery_stale
from tests.support import portraits
from verification.services import save_policy

pytestmark = pytest.mark.django_db
COLLINS, HOPPER = portraits.PEOPLE
NOTED = ("/", "/enrollment/", "/verification/")


@pytest.fixture
def person(operator_client) -> Person:
    """Enrolled by uploading pictures."""
    photos = [
        SimpleUploadedFile(f"{number}.jpg", data, "image/jpeg")
        for number, data in enumerate(portraits.pictures(COLLINS))
    ]
    operator_client.post("/enrollment/upload/", {"name": COLLINS, "consent": "on", "photos": photos})
    mark_gallery_stale()  # what the commit does, and a test's transaction never commits
    return Person.objects.get()


class TestNote:
    @pytest.mark.parametrize("path", NOTED)
    def test_names_the_commands_that_give_a_stronger_pack(self, operator_client, path):
        page = operator_client.get(path)
        assertContains(page, "Starter model.")
        assertContains(page, "manage.py packs install mobile</code>")
        assertContains(page, "manage.py rebuild_templates --pack mobile</code>")
        assertContains(page, "cannot tell a live face from a photograph")

    @pytest.mark.parametrize("path", NOTED)
    def test_says_why_nobody_is_named_where_liveness_is_required(self, operator_client, staff, path):
        save_policy(actor=staff, fmr="0.0001", liveness="required")
        assertContains(operator_client.get(path), "every answer stays “uncertain”")

    @pytest.mark.parametrize("path", ["/enrollment/people/", "/verification/attempts/"])
    def test_is_not_on_every_page(self, operator_client, path):
        assertNotContains(operator_client.get(path), "data-pack-note")


class TestPages:
    def test_offer_the_policy_that_is_in_force(self, staff_client):
        page = staff_client.get("/verification/calibration/")
        assert page.context["chosen"]["liveness"] == "advisory"

    def test_show_who_was_enrolled_from_photos(self, operator_client, staff_client, person, starter):
        assert current_gallery(starter).people == 1
        for path in ("/enrollment/people/", person.get_absolute_url()):
            assertContains(operator_client.get(path), COLLINS)
        assertContains(staff_client.get("/admin/enrollment/person/"), COLLINS)

    def test_check_a_photo(self, operator_client, person):
        for name, shown in ((COLLINS, True), (HOPPER, False)):
            data = portraits.pictures(name, portraits.SEEN)[0]
            photo = SimpleUploadedFile("face.jpg", data, "image/jpeg")
            page = operator_client.post("/verification/photo/", {"photo": photo})
            assert page.status_code == 200
            assert (COLLINS in page.content.decode()) is shown
