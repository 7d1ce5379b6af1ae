"""What the pages of enrolment and photographs do for whoever cannot turn the head, drops files, or hides pixels."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.webcam import clip_frames, jpeg, write_y4m

if TYPE_CHECKING:
    from playwright.sync_api import WebSocketRoute

DROP = """([selector, name, type, data]) => {
  const files = new DataTransfer();
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  files.items.add(new File([bytes], name, {type}));
  const zone = document.querySelector(selector);
  for (const kind of ["dragenter", "dragover", "drop"])
    zone.dispatchEvent(new DragEvent(kind, {dataTransfer: files, bubbles: true, cancelable: true}));
}"""
NOISE = """
const read = CanvasRenderingContext2D.prototype.getImageData;
CanvasRenderingContext2D.prototype.getImageData = function (...where) {
  const pixels = read.apply(this, where);
  pixels.data.forEach((_, place) => { pixels.data[place] = (place * 7919) % 256; });
  return pixels;
};
"""


@pytest.fixture(scope="module")
def face(shared_faces):
    return list(clip_frames(shared_faces / "webcam" / "real_male.mjpeg"))


@pytest.fixture(scope="module")
def still(face, tmp_path_factory) -> Path:
    """Somebody who holds still and never turns the head."""
    return write_y4m(tmp_path_factory.mktemp("webcams") / "still.y4m", face[:6])


class TestEnrolment:
    def test_goes_on_without_a_turned_head(self, live_server_process, still, browser_opener):
        with browser_opener(live_server_process, still) as page:
            page.goto("/enrollment/")
            page.get_by_label("Name", exact=True).fill("Stiff Neck")
            page.get_by_label("The person has read this and agrees").check()
            page.get_by_role("button", name="Continue to the camera").press("Enter")
            assert page.locator(":focus").get_attribute("data-instruction") == ""
            page.locator("[data-instruction]", has_text="to your left").wait_for()
            skip = page.get_by_role("button", name="Go on without turning")
            skip.wait_for()
            skip.press("Enter")
            page.locator("[data-instruction]", has_text="to your right").wait_for()
            assert page.locator(":focus").get_attribute("data-instruction") == ""

    def test_does_not_save_a_poor_picture_without_a_word(self, live_server_process, still, browser_opener):
        with browser_opener(live_server_process, still) as page:

            def worsen(socket: WebSocketRoute) -> None:
                server = socket.connect_to_server()
                good, poor = '"quality":{"score":0.', '"quality":{"score":0.1'
                server.on_message(lambda text: socket.send(str(text).replace(good, poor)))

            page.route_web_socket("**/ws/enrollment/", worsen)
            page.goto("/enrollment/")
            page.get_by_label("Name", exact=True).fill("Blurred")
            page.get_by_label("The person has read this and agrees").check()
            page.get_by_role("button", name="Continue to the camera").click()
            save = page.get_by_role("button", name="Save with 1 sample")
            save.wait_for()
            assert "btn--primary" not in save.get_attribute("class")
            save.click()
            page.get_by_role("dialog", name="Save a picture of low quality?").wait_for()
            page.get_by_role("button", name="Take more pictures").click()
            assert page.locator("[data-step=capturing]").is_visible()


class TestDropzone:
    @pytest.mark.parametrize("address", ["/enrollment/upload/", "/verification/photo/"])
    def test_takes_a_dropped_picture_and_shows_it(self, live_server_process, still, face, browser_opener, address):
        with browser_opener(live_server_process, still) as page:
            page.goto(address)
            data = b64encode(jpeg(face[0])).decode()
            page.evaluate(DROP, ["[data-dropzone]", "ada.jpg", "image/jpeg", data])
            page.locator(".dropzone__previews li", has_text="ada.jpg").locator("canvas").wait_for()
            assert page.locator("input[type=file]").evaluate("input => input.files[0].name") == "ada.jpg"

    def test_names_a_file_that_cannot_be_shown(self, live_server_process, still, browser_opener):
        with browser_opener(live_server_process, still) as page:
            page.goto("/enrollment/upload/")
            page.evaluate(DROP, ["[data-dropzone]", "ada.heic", "image/heic", b64encode(b"no picture").decode()])
            page.locator(".dropzone__previews li", has_text="ada.heic").get_by_text("No preview").wait_for()


class TestHiddenPixels:
    def test_are_noticed_before_anything_is_sent_and_the_setting_is_named(
        self, live_server_process, still, browser_opener
    ):
        with browser_opener(live_server_process, still) as page:
            page.add_init_script(NOISE)
            page.goto("/verification/")
            page.locator("[data-cover]", has_text="privacy.resistFingerprinting").wait_for()
