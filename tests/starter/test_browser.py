"""The main job in a real browser, on the starter pack: enrol in front of the webcam, then be recognised by name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import portraits
from tests.support.server import LiveServer, running_server
from tests.support.webcam import write_y4m

COLLINS, HOPPER = portraits.PEOPLE
DECIDED = "[data-card]:is([data-verdict=match], [data-verdict=non_match], [data-verdict=uncertain])"


@pytest.fixture(scope="module")
def server(starter_dir) -> Iterator[LiveServer]:
    with running_server(starter_dir, FACESITE_MODEL_PACK="starter") as server:
        yield server


@pytest.fixture(scope="module")
def webcams(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("webcams")
    return {name: write_y4m(folder / f"{name}.y4m", [portraits.webcam_frame(name)]) for name in portraits.PEOPLE}


@pytest.fixture(scope="module")
def enrolled(server, webcams, browser_opener) -> str:
    with browser_opener(server, webcams[COLLINS]) as page:
        page.goto("/enrollment/")
        assert "Starter model" in page.locator("[data-pack-note]").inner_text()
        page.get_by_label("Name", exact=True).fill(COLLINS)
        page.get_by_label("The person has read this and agrees").check()
        page.get_by_role("button", name="Continue to the camera").click()
        page.get_by_role("button", name="Save with").click()
        page.get_by_role("heading", name=COLLINS).wait_for()
    return COLLINS


class TestEnrolAndVerify:
    def test_the_enrolled_person_is_recognised_by_name(self, server, webcams, enrolled, browser_opener):
        with browser_opener(server, webcams[COLLINS]) as page:
            page.goto("/verification/")
            card = page.locator(DECIDED)
            card.wait_for()
            assert card.get_attribute("data-verdict") == "match"
            assert enrolled in card.inner_text()

    def test_a_claim_is_confirmed(self, server, webcams, enrolled, browser_opener):
        with browser_opener(server, webcams[COLLINS]) as page:
            page.goto("/verification/")
            page.get_by_role("radio", name="Verify").check()
            page.get_by_role("combobox", name="Claimed person").fill(enrolled[:3])
            page.get_by_role("option", name=enrolled).click()
            card = page.locator(DECIDED)
            card.wait_for()
            assert card.get_attribute("data-verdict") == "match"

    def test_a_stranger_is_not_named(self, server, webcams, enrolled, browser_opener):
        with browser_opener(server, webcams[HOPPER]) as page:
            page.goto("/verification/")
            card = page.locator(DECIDED)
            card.wait_for()
            assert card.get_attribute("data-verdict") == "non_match"
            assert enrolled not in card.inner_text()
