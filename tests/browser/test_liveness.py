"""Liveness in a real browser: attacks before the webcam, live people, and the head movements that are asked for."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import pytest

from tests.support.server import LiveServer, running_server
from tests.support.webcam import clip_frames, write_y4m

if TYPE_CHECKING:
    from playwright.sync_api import Page

CLIPS = ("real_T1", "real_male", "spoof_F1", "spoof_F2", "no_face")
PHONE = {"viewport": {"width": 390, "height": 844}}


@pytest.fixture(scope="module")
def webcams(shared_faces, tmp_path_factory) -> Iterator[dict[str, Path]]:
    folder = tmp_path_factory.mktemp("webcams")
    clips = {name: shared_faces / "webcam" / f"{name}.mjpeg" for name in CLIPS}
    yield {name: write_y4m(folder / f"{name}.y4m", clip_frames(path)) for name, path in clips.items()}
    shutil.rmtree(folder)  # some hundred MiB


@pytest.fixture(scope="module")
def strict_server(models_dir, shared_faces, tmp_path_factory) -> Iterator[LiveServer]:
    """Liveness required; everybody in front of the webcams is enrolled, those of the attacks too."""
    folder = tmp_path_factory.mktemp("people")
    for name in CLIPS[:4]:
        (folder / name).mkdir()
        for number, frame in enumerate(list(clip_frames(shared_faces / "webcam" / f"{name}.mjpeg"))[5:20:5]):
            cv2.imwrite(str(folder / name / f"{number}.png"), frame)
    with running_server(models_dir, FACESITE_LIVENESS="required") as server:
        server.manage("enroll_folder", str(folder))
        yield server


def decided(page: Page) -> tuple[str, str]:
    page.goto("/verification/")
    card = page.locator("[data-card]:not([data-verdict=none])")
    card.wait_for()
    return card.get_attribute("data-verdict") or "", card.inner_text()


class TestPassiveLiveness:
    @pytest.mark.parametrize("clip", ["spoof_F1", "spoof_F2"])
    def test_an_attack_is_named_as_such_and_nobody_by_name(self, strict_server, webcams, browser_opener, clip):
        with browser_opener(strict_server, webcams[clip]) as page:
            verdict, words = decided(page)
            assert verdict == "attack"
            assert "Not a live face" in words
            assert clip.replace("_", " ") not in words
            assert page.get_by_role("button", name="Ask for a head movement").count() == 0

    @pytest.mark.parametrize("clip", ["real_T1", "real_male"])
    def test_a_live_person_is_recognised(self, strict_server, webcams, browser_opener, clip):
        with browser_opener(strict_server, webcams[clip]) as page:
            verdict, words = decided(page)
            assert (verdict, clip.replace("_", " ") in words) == ("match", True)

    def test_an_empty_room_gets_no_decision(self, strict_server, webcams, browser_opener):
        with browser_opener(strict_server, webcams["no_face"]) as page:
            page.goto("/verification/")
            page.get_by_text(re.compile(r"frames/s")).wait_for()
            assert page.locator("[data-card]").get_attribute("data-verdict") == "none"


class TestChallenge:
    def test_asks_in_words_and_with_an_arrow_and_says_how_it_ended(self, strict_server, webcams, browser_opener):
        with browser_opener(strict_server, webcams["real_male"]) as page:
            decided(page)
            page.get_by_role("button", name="Ask for a head movement").press("Enter")
            prompt = page.locator("[data-challenge]")
            prompt.get_by_text("Movement 1 of").wait_for()
            words = prompt.locator("[data-challenge-text]").inner_text()
            arrow = {
                "Turn your head to your left.": "left",
                "Turn your head to your right.": "right",
                "Look up: raise your chin.": "up",
                "Come closer to the camera.": "closer",
            }[words]
            assert prompt.get_attribute("data-arrow") == arrow
            assert words in page.locator("[data-challenge-say][aria-live=assertive]").inner_text()
            assert re.fullmatch(r"[0-6] s left", prompt.locator("[data-challenge-seconds]").inner_text())
            assert page.locator(":focus").inner_text().startswith("Cancel")
            # The man in the clip sits still.
            page.locator("[data-card]").get_by_text("was not made in time").wait_for()
            assert prompt.get_attribute("data-arrow") == "failed"
            assert page.locator(":focus").get_attribute("aria-label") == "Decision"
            # He was recognised before: that does not stay green.
            page.locator("[data-card][data-verdict=uncertain]", has_text="The head movements were not made").wait_for()
            page.goto("/verification/attempts/")
            assert "The head movements were not made" in page.locator("tbody tr").first.inner_text()

    def test_can_be_cancelled_on_a_phone_by_touch(self, strict_server, webcams, browser_opener):
        with browser_opener(strict_server, webcams["real_male"], **PHONE, has_touch=True) as page:
            decided(page)
            page.get_by_role("button", name="Ask for a head movement").tap()
            page.locator("[data-challenge-cancel]").tap()
            page.locator("[data-challenge]").get_by_text("were cancelled").wait_for()
            wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
            assert not wide

    def test_after_five_failures_says_how_long_to_wait(self, strict_server, webcams, browser_opener):
        with browser_opener(strict_server, webcams["real_male"]) as page:
            decided(page)
            for _ in range(5):
                page.get_by_role("button", name="Ask for a head movement").click()
                page.locator("[data-challenge-cancel]").click()
            page.get_by_role("button", name="Ask for a head movement").click()
            page.locator("[data-card]").get_by_text(re.compile(r"Wait 1\d\d seconds")).wait_for()
