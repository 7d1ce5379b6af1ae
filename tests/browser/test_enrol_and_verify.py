"""The product's spine as a person meets it: enrol in front of the webcam, then be recognised by name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.webcam import clip_frames, write_y4m

if TYPE_CHECKING:
    from playwright.sync_api import Page, WebSocketRoute

NAME = "Zoë Müller-李"


@pytest.fixture(scope="module")
def webcams(shared_faces, tmp_path_factory) -> dict[str, Path]:
    """Fake webcams by clip: a man, a woman, nobody."""
    folder = tmp_path_factory.mktemp("webcams")
    clips = {name: shared_faces / "webcam" / f"{name}.mjpeg" for name in ("real_male", "real_female", "no_face")}
    return {name: write_y4m(folder / f"{name}.y4m", clip_frames(path)) for name, path in clips.items()}


@pytest.fixture(scope="module")
def enrolled(live_server_process, webcams, browser_opener) -> str:
    """The name of the man, enrolled through the page in front of his webcam."""
    with browser_opener(live_server_process, webcams["real_male"]) as page:
        start_capture(page, NAME, last_day="2099-12-31")
        # He hardly turns his head in this clip: how many samples it gives depends on the frames that come through.
        page.get_by_role("button", name="Save with").click()
        page.get_by_role("heading", name=NAME).wait_for()
        page.goto("/enrollment/people/")
        page.get_by_role("link", name=NAME).first.click()
        page.get_by_text("Until 31 December 2099").wait_for()
    return NAME


def start_capture(page: Page, name: str, *, first_day: str = "", last_day: str = "") -> None:
    page.goto("/enrollment/")
    page.get_by_label("Name", exact=True).fill(name)
    if first_day or last_day:
        page.get_by_text("More about this person").click()
        page.get_by_label("First day").fill(first_day)
        page.get_by_label("Last day").fill(last_day)
        page.get_by_text("More about this person").click()
    page.get_by_label("The person has read this and agrees").check()
    page.get_by_role("button", name="Continue to the camera").click()


def show(page: Page, state: str) -> None:
    """The page's tab comes to the front ("visible") or goes ("hidden"): headless, only the page can be told so."""
    page.evaluate(
        "state => { Object.defineProperty(document, 'visibilityState', {value: state, configurable: true});"
        " document.dispatchEvent(new Event('visibilitychange')) }",
        state,
    )


def decision_of(page: Page) -> tuple[str, str]:
    """Verdict and text of the decision card. (The camera starts by itself: the browser has allowed it before.)"""
    card = page.locator("[data-card]:is([data-verdict=match], [data-verdict=non_match], [data-verdict=uncertain])")
    card.wait_for()
    return card.get_attribute("data-verdict") or "", card.inner_text()


class TestEnrolAndVerify:
    def test_the_enrolled_person_is_recognised_by_name(self, live_server_process, webcams, enrolled, browser_opener):
        with browser_opener(live_server_process, webcams["real_male"]) as page:
            page.goto("/verification/")
            verdict, words = decision_of(page)
            assert verdict == "match"
            assert enrolled in words
            page.goto("/verification/attempts/")
            assert enrolled in page.get_by_role("main").inner_text()

    @pytest.mark.parametrize("screen", [{"width": 1440, "height": 900}, {"width": 390, "height": 844}])
    def test_the_card_leads_with_picture_and_name_and_keeps_the_figures_behind_why(
        self, live_server_process, webcams, enrolled, browser_opener, screen
    ):
        with browser_opener(live_server_process, webcams["real_male"], viewport=screen) as page:
            page.goto("/verification/")
            decision_of(page)
            card = page.locator("[data-card]")
            page.wait_for_function("() => document.querySelector('[data-card] img.avatar')?.naturalWidth === 112")
            why = card.locator("summary", has_text="Why?")
            box = why.bounding_box()
            tabs = 60 if screen["width"] < 960 else 0
            assert box
            assert box["y"] + box["height"] <= screen["height"] - tabs
            figures = card.get_by_text("that a match needs")
            assert not figures.is_visible()
            why.press("Enter")
            figures.wait_for()
            page.get_by_role("button", name="Check again").click()
            decision_of(page)
            assert figures.is_visible()

    def test_a_claim_is_confirmed(self, live_server_process, webcams, enrolled, browser_opener):
        with browser_opener(live_server_process, webcams["real_male"]) as page:
            page.goto("/verification/")
            page.get_by_role("radio", name="Verify").check()
            page.get_by_role("combobox", name="Claimed person").fill(enrolled[:3])
            page.get_by_role("option", name=enrolled).click()
            verdict, words = decision_of(page)
            assert verdict == "match"
            assert enrolled in words

    def test_a_stranger_is_not_named(self, live_server_process, webcams, enrolled, browser_opener):
        with browser_opener(live_server_process, webcams["real_female"]) as page:
            page.goto("/verification/")
            verdict, words = decision_of(page)
            assert verdict in {"non_match", "uncertain"}
            assert enrolled not in words
            offer = page.locator("[data-card]").get_by_role("link", name="Enrol this visitor")
            assert offer.count() == (verdict == "non_match")
            if offer.count():
                offer.click()
                page.wait_for_url("**/enrollment/")


class TestDetails:
    def test_a_last_day_before_the_first_brings_back_to_the_field_before_a_picture_is_taken(
        self, live_server_process, webcams, browser_opener
    ):
        with browser_opener(live_server_process, webcams["no_face"]) as page:
            start_capture(page, "Nobody", first_day="2026-03-05", last_day="2026-03-01")
            page.get_by_text("The last day is before the first one.").wait_for()
            page.wait_for_function("() => document.activeElement.name === 'valid_until'")
            assert page.get_by_label("Last day").is_visible()


class TestInterruptions:
    def test_the_capture_goes_on_after_the_page_was_hidden_until_the_connection_rested(
        self, live_server_process, webcams, browser_opener
    ):
        with browser_opener(live_server_process, webcams["no_face"]) as page:
            sockets: list[WebSocketRoute] = []

            def pass_on(socket: WebSocketRoute) -> None:
                sockets.append(socket)
                socket.connect_to_server()

            page.route_web_socket("**/ws/enrollment/", pass_on)
            start_capture(page, "Nobody")
            page.locator("[data-connection][data-state=open]").wait_for()
            show(page, "hidden")
            sockets[0].close(code=4408)
            page.locator("[data-connection][data-state=idle]").wait_for()
            show(page, "visible")
            page.locator("[data-connection][data-state=open]").wait_for()
            page.locator("[data-instruction]", has_text="No face can be seen").wait_for()

    def test_nothing_is_filmed_while_the_page_is_hidden(self, live_server_process, webcams, browser_opener):
        with browser_opener(live_server_process, webcams["real_male"]) as page:
            page.goto("/verification/")
            decision_of(page)
            stream = page.locator("[data-video]").evaluate_handle("video => video.srcObject")
            show(page, "hidden")
            assert stream.evaluate("stream => stream.getTracks().map(track => track.readyState)") == ["ended"]
            page.locator("[data-stage][data-state=paused]").wait_for()
            show(page, "visible")
            page.locator("[data-stage][data-state=on]").wait_for()


class TestFocus:
    def test_a_person_chosen_by_keyboard_leaves_the_focus_where_the_choice_can_be_changed(
        self, live_server_process, webcams, enrolled, browser_opener
    ):
        with browser_opener(live_server_process, webcams["no_face"]) as page:
            page.goto("/verification/")
            page.get_by_role("radio", name="Verify").check()
            page.get_by_role("combobox", name="Claimed person").fill(enrolled[:3])
            # The list of everybody comes first, and Enter chooses nobody from it.
            page.get_by_role("option", name=enrolled, selected=True).wait_for()
            page.keyboard.press("Enter")
            assert page.get_by_role("button", name="Change").evaluate("node => node === document.activeElement")


class TestSmallScreen:
    def test_the_way_out_of_a_blocked_camera_is_not_cut_off(self, live_server_process, webcams, browser_opener):
        phone = {"viewport": {"width": 360, "height": 740}}
        with browser_opener(live_server_process, webcams["no_face"], **phone) as page:
            page.add_init_script(
                "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotAllowedError'))"
            )
            page.goto("/verification/")
            again = page.get_by_role("button", name="Try again")
            again.wait_for()
            stage, button = page.locator("[data-stage]").bounding_box(), again.bounding_box()
            assert stage and button
            assert button["y"] + button["height"] <= stage["y"] + stage["height"]


class TestGuidance:
    def test_an_empty_room_is_told_so(self, live_server_process, webcams, browser_opener):
        with browser_opener(live_server_process, webcams["no_face"]) as page:
            start_capture(page, "Nobody")
            page.locator("[data-instruction]", has_text="face").wait_for()
            assert page.locator("[data-finish]").is_disabled()

    def test_nothing_is_captured_without_consent(self, live_server_process, webcams, browser_opener):
        with browser_opener(live_server_process, webcams["real_male"]) as page:
            page.goto("/enrollment/")
            page.get_by_label("Name", exact=True).fill("No Consent")
            page.get_by_role("button", name="Continue to the camera").click()
            page.locator("[data-error-for=consent]").wait_for()
            assert not page.locator("[data-stage]").is_visible()
