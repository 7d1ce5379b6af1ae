"""A phone that is turned while its camera runs: the stream changes its shape. A canvas plays the camera."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from tests.browser.test_enrol_and_verify import start_capture
from tests.support.server import LiveServer, running_server
from tests.support.webcam import write_y4m

if TYPE_CHECKING:
    from playwright.sync_api import Page

CAMERA = """
(() => {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d");
  const bytes = Uint8Array.from(atob("PORTRAIT"), (letter) => letter.charCodeAt(0));
  const portrait = createImageBitmap(new Blob([bytes], { type: "image/jpeg" }));
  const draw = async () => {
    const picture = await portrait;
    const scale = Math.max(canvas.width / picture.width, canvas.height / picture.height);
    const [width, height] = [picture.width * scale, picture.height * scale];
    context.drawImage(picture, (canvas.width - width) / 2, (canvas.height - height) / 2, width, height);
  };
  window.turnPhone = (width, height) => Object.assign(canvas, { width, height });
  turnPhone(640, 480);
  setInterval(draw, 60);
  navigator.mediaDevices.getUserMedia = async () => canvas.captureStream(15);
})();
"""


@pytest.fixture(scope="module")
def portrait(shared_faces) -> np.ndarray:
    return np.asarray(cv2.imread(str(shared_faces / "portraits" / "obama.jpg")))


@pytest.fixture(scope="module")
def lenient_server(models_dir, portrait, tmp_path_factory) -> Iterator[LiveServer]:
    """Liveness off, since a portrait is no live person, who is enrolled."""
    folder = tmp_path_factory.mktemp("people")
    (folder / "Barack").mkdir()
    cv2.imwrite(str(folder / "Barack" / "1.png"), portrait)
    with running_server(models_dir, FACESITE_LIVENESS="off") as server:
        server.manage("enroll_folder", str(folder))
        yield server


def listen(page: Page) -> list[dict[str, Any]]:
    """The server's messages, as they come."""
    messages: list[dict[str, Any]] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda text: messages.append(json.loads(text))))
    return messages


def await_shape(page: Page, messages: list[dict[str, Any]], shape: list[int]) -> dict[str, Any]:
    """The first face in a picture of this shape that comes from now on."""
    seen = len(messages)
    for _ in range(600):
        for message in messages[seen:]:
            if message["type"] == "result" and message["image"] == shape and message["faces"]:
                return message["faces"][0]
        page.wait_for_timeout(100)
    pytest.fail(f"no face in a picture of {shape}")


def pixels_drawn(page: Page) -> int:
    """How many pixels of the overlay are not transparent."""
    return page.evaluate(
        """() => {
            const canvas = document.querySelector("[data-overlay]");
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            return data.filter((value, at) => at % 4 === 3 && value > 0).length;
        }"""
    )


class TestTurnedPhone:
    def test_keeps_face_box_and_preview_upright_and_the_decision(
        self, lenient_server, browser_opener, portrait, tmp_path: Path
    ):
        webcam = write_y4m(tmp_path / "unused.y4m", [np.zeros((480, 640, 3), np.uint8)])
        picture = base64.b64encode(cv2.imencode(".jpg", portrait)[1].tobytes()).decode()
        with browser_opener(lenient_server, webcam) as page:
            page.add_init_script(CAMERA.replace("PORTRAIT", picture))
            messages = listen(page)
            page.goto("/verification/")
            page.locator("[data-card][data-verdict=match]").wait_for()
            before = await_shape(page, messages, [640, 480])
            stage = page.locator("[data-stage]")
            assert "aspect-ratio: 1.3333" in (stage.get_attribute("style") or "")

            page.evaluate("turnPhone(480, 640)")
            after = await_shape(page, messages, [480, 640])
            page.wait_for_function("() => document.querySelector('[data-stage]').style.aspectRatio.startsWith('1 ')")
            page.wait_for_timeout(300)

            assert pixels_drawn(page) > 100
            assert after["track"] == before["track"]
            eyes = (
                after["landmarks"][1][0] - after["landmarks"][0][0],
                after["landmarks"][1][1] - after["landmarks"][0][1],
            )
            assert abs(eyes[1]) < 0.3 * eyes[0]
            assert after["person"]["name"] == "Barack"
            page.evaluate("turnPhone(640, 480)")
            await_shape(page, messages, [640, 480])
            assert sum(message["type"] == "decision" for message in messages) == 1

    def test_is_enrolled_from_pictures_of_either_shape(self, lenient_server, browser_opener, portrait, tmp_path: Path):
        webcam = write_y4m(tmp_path / "unused.y4m", [np.zeros((480, 640, 3), np.uint8)])
        picture = base64.b64encode(cv2.imencode(".jpg", portrait)[1].tobytes()).decode()
        with browser_opener(lenient_server, webcam, viewport={"width": 390, "height": 844}) as page:
            page.add_init_script(CAMERA.replace("PORTRAIT", picture))
            messages = listen(page)
            page.goto("/enrollment/")
            start_capture(page, "Somebody Turned")
            await_shape(page, messages, [640, 480])
            page.evaluate("turnPhone(480, 640)")
            face = await_shape(page, messages, [480, 640])
            assert abs(face["pose"]["roll"]) < 20
            page.wait_for_function("() => document.querySelector('[data-stage]').style.aspectRatio.startsWith('1 ')")
