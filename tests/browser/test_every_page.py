"""axe-core finds no barrier on any page, wide and on a phone, light and dark; and nothing is wider than its screen.

Wide it is English, on a phone German, which has the longest words, and Arabic, which turns the page around.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2

from tests.support.example_site import fill_site
from tests.support.pages import NOT_PAGES, PAGES, SIGNED_OUT, visited_routes
from tests.support.role_table import rows
from tests.support.webcam import clip_frames, write_y4m

if TYPE_CHECKING:
    from playwright.sync_api import Page

WIDE: Any = {"width": 1440, "height": 900}
PHONE: Any = {"width": 390, "height": 844}
RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
COLOURS = {"type": "rule", "values": ["color-contrast"]}
"""All that another theme can change."""
PHONE_RULES = {"type": "rule", "values": ["color-contrast", "scrollable-region-focusable", "target-size"]}
"""All that another width can change."""
RUN = "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})"
STILL = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("*, *::before, *::after { transition: none !important; animation: none !important; }");
  document.adoptedStyleSheets = [sheet];
}"""
"""Colours are judged as they will be, not on their way there."""
WIDER = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"
OTHERS = ("admin",)
"""Pages whose markup is Django's: held to the rules, not to the width of a phone."""


EXPECTED = ("status of 404", "status of 403", "Applying inline style")
"""The pages that say so, and styles that Django's admin tries to set."""


class TestTheList:
    def test_has_every_address(self):
        listed = visited_routes() | set(NOT_PAGES)
        assert {row.route for row in rows("GET")} - listed == set(), "Add each to tests/support/pages.py"

    def test_has_no_address_that_is_gone(self):
        there = {row.route for row in rows("GET")}
        assert set(NOT_PAGES) - there == set()


class TestEveryPage:
    def test_has_no_barriers_and_fits(self, live_server_process, shared_faces, browser_opener, tmp_path):
        face = list(clip_frames(shared_faces / "webcam" / "real_male.mjpeg"))[10]
        (tmp_path / "people" / "Zoë").mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "people" / "Zoë" / "1.png"), face)
        live_server_process.manage("enroll_folder", str(tmp_path / "people"))
        rows = fill_site(live_server_process)
        webcam = write_y4m(tmp_path / "nobody.y4m", [face * 0 + 90])
        found: list[str] = []
        with browser_opener(live_server_process, webcam, expected=EXPECTED) as page:
            for name, address in PAGES.items():
                found += complaints(page, name, address.format(**rows))
            page.context.clear_cookies()
            for name, address in SIGNED_OUT.items():
                found += complaints(page, name, address)
        assert not found, "\n".join(found)


def complaints(page: Page, name: str, address: str) -> list[str]:
    """What is wrong with a page: in both themes, and on a phone."""
    from axe_playwright_python.base import AXE_SCRIPT

    page.set_viewport_size(WIDE)
    page.emulate_media(color_scheme="light")
    page.goto(address)
    page.evaluate(STILL)
    page.evaluate(AXE_SCRIPT)
    found = [*violations(page, RULES), *width_complaints(page, name)]
    page.emulate_media(color_scheme="dark")
    found += violations(page, COLOURS)
    page.set_viewport_size(PHONE)
    found += [*violations(page, PHONE_RULES), *width_complaints(page, name)]
    if page.locator(".print-only:visible").count():
        found.append("shows on a phone what is for paper")
    for language in ("de", "ar"):
        page.set_extra_http_headers({"Accept-Language": language})
        page.goto(address)
        found += width_complaints(page, name)
    page.set_extra_http_headers({})
    return [f"{name}: {line}" for line in found]


def width_complaints(page: Page, name: str) -> list[str]:
    if name.startswith(OTHERS) or not page.evaluate(WIDER):
        return []
    return [f"wider than a screen of {page.viewport_size} in {page.evaluate('document.documentElement.lang')!r}"]


def violations(page: Page, rules: dict[str, Any]) -> list[str]:
    """axe's complaints, one a line."""
    return [
        f"{violation['id']} ({violation['help']}) at {page.viewport_size}: {node['target']} {node['html'][:200]}"
        for violation in page.evaluate(RUN, rules)["violations"]
        for node in violation["nodes"]
    ]
