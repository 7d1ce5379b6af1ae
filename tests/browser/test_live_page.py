"""What the live page says outlives nothing: neither the person before the camera nor the connection."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.support.server import LiveServer, running_server
from tests.support.webcam import clip_frames, write_y4m

NAME = "Zoë"


@pytest.fixture(scope="module")
def face(shared_faces) -> list[np.ndarray]:
    return list(clip_frames(shared_faces / "webcam" / "real_male.mjpeg"))


@pytest.fixture(scope="module")
def webcam(face, tmp_path_factory) -> Path:
    return write_y4m(tmp_path_factory.mktemp("webcams") / "stays.y4m", face)


@pytest.fixture(scope="module")
def visitor(face, tmp_path_factory) -> Path:
    """A webcam before which somebody is for five seconds, and then nobody for half a minute."""
    folder = tmp_path_factory.mktemp("webcams")
    frames = [*face[:25], *[np.full_like(face[0], 90)] * 150]
    return write_y4m(folder / "leaves.y4m", frames, frames_per_second=5)


@pytest.fixture
def server(models_dir, face, tmp_path) -> Iterator[LiveServer]:
    (tmp_path / NAME).mkdir()
    cv2.imwrite(str(tmp_path / NAME / "1.png"), face[10])
    with running_server(models_dir) as server:
        server.manage("enroll_folder", str(tmp_path))
        yield server


class TestVerdict:
    def test_fades_with_its_face_and_then_goes(self, server, visitor, browser_opener):
        with browser_opener(server, visitor) as page:
            page.goto("/verification/")
            card = page.locator("[data-card]")
            page.locator("[data-card][data-verdict=match]", has_text=NAME).wait_for()
            page.get_by_role("link", name="Details").focus()
            page.locator("[data-card][data-verdict=past]", has_text="Last seen").wait_for()
            assert NAME in card.inner_text()
            assert page.locator(":focus").inner_text() == "Details"
            page.locator("[data-card][data-verdict=none]").wait_for()
            assert NAME not in card.inner_text()
            assert page.locator(":focus").get_attribute("aria-label") == "Decision"
            assert NAME in page.locator("[data-recent]").inner_text()


class TestRestart:
    def test_is_said_over_the_picture_and_leaves_neither_verdict_nor_complaint(self, server, webcam, browser_opener):
        with browser_opener(server, webcam, expected="WebSocket connection") as page:
            page.goto("/verification/")
            page.locator("[data-card][data-verdict=match]").wait_for()
            server.stop()
            outage = page.locator("[data-outage]")
            outage.wait_for()
            over, stage = outage.bounding_box(), page.locator("[data-stage]").bounding_box()
            assert over == stage
            page.locator("[data-card][data-verdict=none]").wait_for()
            server.start()
            server.wait_until_ready()
            page.locator("[data-card][data-verdict=match]").wait_for()
            assert not outage.is_visible()
            assert not page.locator("[data-problem]").is_visible()
