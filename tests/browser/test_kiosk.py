"""A day at the door, before a real browser's webcam: paired, three people in, one refused, printed and exported."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.support.server import Browser, LiveServer
from tests.support.webcam import fit, write_y4m

FACES = {"Amelia": "Amelia_Vega", "George": "George_Clooney", "Pierce": "Pierce_Brosnan"}
"""Who is enrolled -> whose pictures of LFW those are."""
REFUSED, NUMBER, OTHER_FACE, OWN_FACE = "Hugo", "4711", "Heizo_Takenaka", "Hugo_Chavez"
"""Enrolled with pictures of somebody else, so that the camera does not know him; he has a number."""
A_SECOND = 5
"""Frames."""


@pytest.fixture
def people(live_server_process, shared_faces, tmp_path) -> None:
    for name, pictures in (FACES | {REFUSED: OTHER_FACE}).items():
        (tmp_path / name).mkdir()
        for picture in sorted((shared_faces / "eval" / pictures).glob("*.jpg"))[:3]:
            (tmp_path / name / picture.name).write_bytes(picture.read_bytes())
    live_server_process.manage("enroll_folder", str(tmp_path))
    give_number(live_server_process.login(), REFUSED, NUMBER)


def give_number(browser: Browser, name: str, number: str) -> None:
    _, found = browser.get(f"/enrollment/people/search.json?q={name}")
    (person,) = re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", found)[:1]
    status, page = browser.post(f"/enrollment/people/{person}/", name=name, external_id=number)
    assert (status, number in page) == (200, True)


@pytest.fixture
def webcam(shared_faces, tmp_path_factory) -> Path:
    """One after the other for three seconds each, and nobody for a second in between; for ever."""
    nobody = np.full((480, 640, 3), 90, np.uint8)

    def frames() -> Iterator[np.ndarray]:
        for pictures in (*FACES.values(), OWN_FACE):
            last = sorted((shared_faces / "eval" / pictures).glob("*.jpg"))[3]
            face = np.asarray(cv2.imread(str(last)), dtype=np.uint8)
            yield from [fit(face)] * (3 * A_SECOND)
            yield from [nobody] * A_SECOND

    return write_y4m(tmp_path_factory.mktemp("webcams") / "door.y4m", frames(), frames_per_second=A_SECOND)


@pytest.mark.usefixtures("people")
def test_a_day_at_the_door(live_server_process: LiveServer, webcam, browser_opener):
    with browser_opener(live_server_process, webcam) as page:
        page.goto("/site/kiosks/new/")
        page.get_by_label("Name").fill("Front door")
        page.get_by_role("button", name="Show the code").click()
        code = page.locator(".pairing__code").inner_text()

        tablet = page.context.browser.new_context(base_url=f"{live_server_process.url}/")
        tablet.set_default_timeout(60_000)
        complaints: list[str] = []
        door = tablet.new_page()
        door.on("pageerror", lambda error: complaints.append(str(error)))
        door.goto(f"/kiosk/#{code}")
        door.get_by_role("button", name="Pair").click()
        seen = greeted(door, len(FACES))
        assert seen == {f"Welcome, {name}" for name in FACES}
        assert door.locator("a").count() == 0

        door.get_by_role("heading", name="Not recognised").wait_for()
        door.get_by_role("button", name="PIN or badge number").click()
        for digit in NUMBER:
            door.get_by_role("button", name=digit, exact=True).click()
        door.get_by_role("button", name="Enter").click()
        door.get_by_role("heading", name=f"Welcome, {REFUSED}").wait_for()

        page.goto("/attendance/")
        page.emulate_media(media="print")
        listed = page.locator("table").first.inner_text()
        assert [name for name in (*FACES, REFUSED) if name not in listed] == []
        assert not page.get_by_role("link", name="Enter by hand").is_visible()
        week = page.request.get("/attendance/days/export.csv").text()
        ways = {line.split(",")[1]: line.split(",")[6] for line in week.splitlines()[1:]}
        assert ways == dict.fromkeys(FACES, "face") | {REFUSED: "badge"}

        page.emulate_media(media="screen")
        page.goto("/site/kiosks/")
        page.get_by_role("link", name="Front door").click()
        page.get_by_role("button", name="Revoke").click()
        door.get_by_role("heading", name="Pair this device").wait_for()
        assert complaints == []


def greeted(door, how_many: int) -> set[str]:
    """The titles of so many different welcomes, as they come."""
    script = """how_many => new Promise((resolve) => {
        const seen = new Set(), title = document.querySelector("[data-title]");
        const look = () => {
            if (title.textContent.startsWith("Welcome, ")) seen.add(title.textContent);
            if (seen.size >= how_many) resolve(JSON.stringify([...seen]));
            else requestAnimationFrame(look);
        };
        look();
    })"""
    door.locator("[data-kiosk]").wait_for()
    return set(json.loads(door.evaluate(script, how_many)))
