"""An import from the files somebody chooses to the report of each of them, and how far sending has come meanwhile."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.enrollment.importing.zips import zipped
from tests.support.webcam import clip_frames, write_y4m

if TYPE_CHECKING:
    from playwright.sync_api import Page

LISTING = """name,external_id,groups,valid_until,folder
Abdoulaye Wade,S-1,Visitors,2099-12-31,
Bill Gates,S-2,,,billg
Nobody Here,S-3,,,nowhere
"""
BYTES_A_SECOND = 1_500_000
"""Of the browser's line: slow enough for a look at how much has gone."""


@pytest.fixture(scope="module")
def camera(shared_faces, tmp_path_factory) -> Path:
    """Nobody looks at it here, but every browser of these tests has one."""
    frames = list(clip_frames(shared_faces / "webcam" / "no_face.mjpeg"))
    return write_y4m(tmp_path_factory.mktemp("webcams") / "nobody.y4m", frames[:1])


@pytest.fixture(scope="module")
def picture(shared_faces) -> Callable[[str, int], bytes]:
    """picture("Bill_Gates", 1): the bytes of the person's first picture."""
    return lambda name, number: sorted((shared_faces / "eval" / name).glob("*.jpg"))[number - 1].read_bytes()


@pytest.fixture
def files(picture, tmp_path) -> tuple[Path, Path]:
    """A ZIP and a list. Four megabytes of the ZIP are no picture: they take their time on the way."""
    archive, listing = tmp_path / "people.zip", tmp_path / "people.csv"
    content = {
        "Abdoulaye_Wade/1.jpg": picture("Abdoulaye_Wade", 1),
        "Abdoulaye_Wade/2.jpg": picture("Abdoulaye_Wade", 2),
        "Abdoulaye_Wade/broken.jpg": b"this is no picture",
        "Abdoulaye_Wade/video.mp4": os.urandom(4_000_000),
        "billg/1.jpg": picture("Bill_Gates", 1),
    }
    archive.write_bytes(zipped(content))
    listing.write_text(LISTING)
    return archive, listing


def slow_down(page: Page) -> None:
    line = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": BYTES_A_SECOND}
    page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", line)


def watch_sending(page: Page) -> None:
    """Note every share that the page shows."""
    page.evaluate(
        "() => { const line = document.querySelector('[data-sent]'); window.shares = [];"
        " new MutationObserver(() => window.shares.push(line.textContent))"
        ".observe(line, {childList: true, characterData: true, subtree: true}) }"
    )


class TestImport:
    def test_is_watched_from_the_first_byte_to_the_report_of_each_file(
        self, live_server_process, camera, files, browser_opener
    ):
        archive, listing = files
        with browser_opener(live_server_process, camera) as page:
            page.goto("/enrollment/import/")
            page.locator("input[name=archive]").set_input_files(archive)
            page.locator("input[name=listing]").set_input_files(listing)
            page.get_by_label("Everybody who is new has agreed on paper").check()
            slow_down(page)
            page.get_by_role("button", name="Import", exact=True).click()
            page.get_by_text("The files are being sent.").wait_for()
            page.get_by_role("progressbar", name="Sending the files").wait_for()
            page.locator("[data-sent]", has_text="% sent").wait_for()

            page.get_by_role("heading", name="Report").wait_for()
            page.get_by_role("link", name="Everything").click()
            rows = page.get_by_role("table", name="What became of each person, file and row").get_by_role("row")

            def outcome_of(place: str) -> str:
                return rows.filter(has_text=place).locator(".badge").first.inner_text()

            assert {place: outcome_of(place) for place in ("Row 2", "Row 3", "Row 4")} == {
                "Row 2": "New person",
                "Row 3": "New person",
                "Row 4": "Refused",
            }
            assert {name: outcome_of(f"Abdoulaye_Wade/{name}") for name in ("1.jpg", "broken.jpg", "video.mp4")} == {
                "1.jpg": "Enrolled",
                "broken.jpg": "Refused",
                "video.mp4": "Passed over",
            }
            page.get_by_role("link", name="Abdoulaye Wade").first.click()
            page.get_by_text("Until 31 December 2099").wait_for()


class TestPhotoUpload:
    def test_says_how_much_has_gone_and_what_is_still_to_be_answered(
        self, live_server_process, camera, picture, browser_opener
    ):
        with browser_opener(live_server_process, camera, expected="Failed to load resource") as page:
            page.goto("/enrollment/upload/")
            photo = {"name": "berry.jpg", "mimeType": "image/jpeg", "buffer": picture("Halle_Berry", 1)}
            padded = {**photo, "name": "long.jpg", "buffer": photo["buffer"] + bytes(2_000_000)}
            page.locator("input[type=file]").set_input_files([photo, padded])
            page.get_by_label("The person has read this and agrees").check()
            slow_down(page)
            watch_sending(page)
            page.get_by_role("button", name="Enrol", exact=True).click()
            page.get_by_text("Give the person's name.").wait_for()
            shares = [share.removesuffix(" sent") for share in page.evaluate("window.shares") if share]
            assert shares[0] == "0%"
            assert len(set(shares)) > 2

            page.get_by_label("Name", exact=True).fill("Halle Berry")
            page.get_by_role("button", name="Enrol", exact=True).click()
            page.get_by_role("heading", name="Halle Berry").wait_for()
            page.get_by_text("Halle Berry was enrolled from").wait_for()

    def test_says_when_the_line_breaks_and_keeps_what_was_filled_in(
        self, live_server_process, camera, picture, browser_opener
    ):
        with browser_opener(live_server_process, camera, expected="Failed to load resource") as page:
            page.goto("/enrollment/upload/")
            page.get_by_label("Name", exact=True).fill("Halle Berry")
            photo = {"name": "berry.jpg", "mimeType": "image/jpeg", "buffer": picture("Halle_Berry", 1)}
            page.locator("input[type=file]").set_input_files(photo)
            page.context.set_offline(True)
            page.get_by_role("button", name="Enrol", exact=True).click()
            page.get_by_text("The connection was lost while the files were sent.").wait_for()
            assert page.get_by_role("button", name="Enrol", exact=True).is_enabled()
            assert page.get_by_label("Name", exact=True).input_value() == "Halle Berry"
