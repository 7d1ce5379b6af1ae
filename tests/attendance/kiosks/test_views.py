from __future__ import annotations

import re

import pytest

from attendance.kiosks.services import pair_kiosk
from attendance.models import Kiosk
from tests.support.kiosks import HERE, paired_kiosk

pytestmark = pytest.mark.django_db

FIELDS = {"name": "Front door", "place": "Main entrance", "mode": "check", "sound": "on"}
# With its element, because two neighbouring groups of a UUID may look like a code.
CODE = re.compile(r'<strong class="pairing__code mono">([2-9A-Z]{4}-[2-9A-Z]{4})</strong>')


class TestNewKiosk:
    def test_shows_a_code_that_pairs_a_device_and_a_picture_of_it(self, staff_client):
        shown = staff_client.post("/site/kiosks/new/", FIELDS).content.decode()
        (code,) = CODE.findall(shown)
        assert "<svg" in shown
        kiosk, _ = pair_kiosk(code=code, address=HERE)
        assert code not in staff_client.get(f"/site/kiosks/{kiosk.uuid}/").content.decode()

    def test_says_what_is_wrong(self, staff_client):
        paired_kiosk()
        answer = staff_client.post("/site/kiosks/new/", FIELDS)
        assert answer.status_code == 400
        assert "of this name" in answer.content.decode()


class TestAKiosk:
    def test_is_changed_flagged_and_revoked(self, staff_client):
        kiosk, _ = paired_kiosk()
        page = f"/site/kiosks/{kiosk.uuid}/"
        assert "were saved" in staff_client.post(page, FIELDS | {"mode": "greet"}, follow=True).content.decode()
        Kiosk.objects.update(camera_changed_at=kiosk.created_at, new_camera_label="OBS Virtual Camera")
        assert "OBS Virtual Camera" not in staff_client.get(page).content.decode()  # it is gone again
        Kiosk.objects.update(new_camera_digest="b" * 64)
        assert "OBS Virtual Camera" in staff_client.get(page).content.decode()
        assert "Other camera" in staff_client.get("/site/kiosks/").content.decode()
        assert "decides again" in staff_client.post(f"{page}camera/", follow=True).content.decode()
        assert CODE.search(staff_client.post(f"{page}code/").content.decode())
        assert "was revoked" in staff_client.post(f"{page}revoke/", follow=True).content.decode()
        assert "was revoked" in staff_client.post(f"{page}code/", follow=True).content.decode()
