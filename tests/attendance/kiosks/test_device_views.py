from __future__ import annotations

import pytest
from django.test import Client

from attendance.kiosks.cookies import cookie_name
from tests.support.kiosks import make_kiosk

pytestmark = pytest.mark.django_db


class TestPair:
    def test_gives_the_device_a_cookie_that_scripts_cannot_read(self):
        _, code = make_kiosk()
        device = Client()
        assert "Pair this device" in device.get("/kiosk/").content.decode()
        device.post("/kiosk/pair/", {"code": code})
        cookie = device.cookies[cookie_name()]
        assert (cookie["httponly"], cookie["samesite"]) == (True, "Strict")
        shown = device.get("/kiosk/").content.decode()
        assert "Front door" in shown
        assert "<a " not in shown

    def test_says_that_a_code_does_not_count_and_when_to_try_again(self):
        device = Client()
        answers = [device.post("/kiosk/pair/", {"code": "2222-2222"}) for _ in range(11)]
        assert "Ask for a new one" in answers[0].content.decode()
        assert [answer.status_code for answer in answers] == [400] * 10 + [429]
