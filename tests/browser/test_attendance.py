"""Who is in keeps itself up to date, and is a list for an evacuation on paper."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.webcam import clip_frames, write_y4m

COMES = """
from django.utils import timezone
from attendance.models import Punch
from enrollment.models import Person
person, _ = Person.objects.get_or_create(name="Ada Lovelace")
Punch.objects.create(person=person, direction="{direction}", way="face", at=timezone.now())
"""


@pytest.fixture
def nobody(shared_faces, tmp_path) -> Path:
    frames = list(clip_frames(shared_faces / "webcam" / "real_male.mjpeg"))
    return write_y4m(tmp_path / "nobody.y4m", frames[:1])


def test_a_list_that_is_open_follows_who_comes_and_goes(live_server_process, nobody, browser_opener):
    with browser_opener(live_server_process, nobody, expected="Failed to load resource") as page:
        page.goto("/attendance/")
        ada = page.locator("[data-inside]").get_by_role("link", name="Ada Lovelace")
        assert ada.count() == 0
        live_server_process.manage("shell", "-c", COMES.format(direction="in"))
        ada.wait_for()
        assert page.get_by_role("status").inner_text() == "1 person"
        ada.focus()

        page.emulate_media(media="print")
        assert page.locator(".tick").is_visible()
        assert page.get_by_text("Evacuation list").is_visible()
        assert not page.get_by_role("navigation").first.is_visible()
        page.emulate_media(media="screen")

        page.context.set_offline(True)
        stale = page.get_by_text("The list could not be brought up to date")
        stale.wait_for()
        page.context.set_offline(False)
        stale.wait_for(state="hidden")
        assert page.locator(":focus").inner_text() == "Ada Lovelace"

        live_server_process.manage("shell", "-c", COMES.format(direction="out"))
        page.get_by_text("Nobody is in").wait_for()
