"""Pictures of every page, wide, on a tablet and on a phone, light and dark, to look at: `make screenshots ARGS=FOLDER`.

The only people on them are Eileen Collins (NASA) and Grace Hopper (US Navy). Both portraits are in the public domain
and come with scikit-image and matplotlib. Needs Chromium and a model pack.
"""

from __future__ import annotations

import argparse
import itertools
import os
import tempfile
from base64 import b32decode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django
from django_otp.oath import totp

django.setup()

from tests.support.browser import ARGUMENTS, CHROMIUM
from tests.support.example_site import fill_site, people_folder
from tests.support.pages import PAGES
from tests.support.portraits import PEOPLE, find_picture, webcam_frame
from tests.support.server import LiveServer, running_server
from tests.support.webcam import write_y4m
from tests.support.weights import find_weights

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

SCREENS: dict[str, dict[str, Any]] = {
    "wide": {"viewport": {"width": 1440, "height": 900}},
    "tablet": {"viewport": {"width": 820, "height": 1180}, "has_touch": True},
    "phone": {
        "viewport": {"width": 390, "height": 844},
        "device_scale_factor": 2,
        "is_mobile": True,
        "has_touch": True,
    },
}
PROVIDER = {
    "FACESITE_OIDC_ISSUER": "http://localhost:9",
    "FACESITE_OIDC_CLIENT_ID": "facesite",
    "FACESITE_OIDC_LABEL": "Example Ltd",
}
"""For the button on the login page. Nobody is there."""
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    weights = find_weights()
    with (
        tempfile.TemporaryDirectory() as name,
        running_server(weights.models_dir, FACESITE_MODEL_PACK=weights.pack, **PROVIDER) as server,
    ):
        pictures = {person: find_picture(*place) for person, place in PEOPLE.items()}
        webcams = {person: write_y4m(Path(name) / f"{person}.y4m", [webcam_frame(person)]) for person in PEOPLE}
        enrolled = {"Eileen Collins": pictures["Eileen Collins"]}
        server.manage("enroll_folder", str(people_folder(Path(name) / "people", enrolled)))
        rows = fill_site(server)
        with browser(server, webcams["Eileen Collins"]) as contexts:
            for variant, context in contexts:
                still_pages(context.new_page(), folder, variant, rows)
                live_pages(context.new_page(), folder, variant, pictures["Grace Hopper"])
        for person, webcam in webcams.items():
            with browser(server, webcam) as contexts:
                for variant, context in contexts:
                    kiosk_pages(context.new_page(), folder, variant, person)
        with browser(server, webcams["Grace Hopper"]) as contexts:
            for variant, context in contexts:
                enrolment_pages(context.new_page(), folder, variant)
                shoot(open_live(context.new_page()), folder, f"live-stranger-{variant}")
        with browser(server, webcams["Grace Hopper"]) as contexts:
            for variant, context in contexts:
                second_factor_pages(context.new_page(), folder, variant, server)
        with browser(server, webcams["Grace Hopper"], logged_in=False) as contexts:
            for variant, context in contexts:
                shoot(go(context.new_page(), "/accounts/login/"), folder, f"login-{variant}")
    print(f"The pictures are in {folder}")


def still_pages(page: Page, folder: Path, variant: str, rows: Mapping[str, str]) -> None:
    """Every page as it is opened. rows: see tests/support/example_site.py."""
    for name, path in PAGES.items():
        shoot(go(page, path.format(**rows)), folder, f"{name}-{variant}")
    go(page, "/admin/enrollment/person/").get_by_role("link", name="Eileen Collins").first.click()
    shoot(page, folder, f"admin-person-{variant}")


def live_pages(page: Page, folder: Path, variant: str, stranger: Path) -> None:
    """The live page with a match, its attempt, and the photo check with a picture of a stranger."""
    shoot(open_live(page), folder, f"live-match-{variant}")
    page.get_by_role("link", name="Details").click()
    shoot(page, folder, f"attempt-just-made-{variant}")
    go(page, "/verification/photo/")
    page.locator("input[type=file]").set_input_files(stranger)
    page.locator("main form button[type=submit]").click()
    shoot(page, folder, f"photo-check-{variant}")


def kiosk_pages(page: Page, folder: Path, variant: str, person: str) -> None:
    """A kiosk as staff set it up, the page that pairs it, and its screen. Only Eileen Collins is enrolled."""
    known = person == "Eileen Collins"
    code = new_kiosk(page, f"Door {person.split()[0]} {variant}")
    if known:
        shoot(page, folder, f"kiosk-code-{variant}")
        page.get_by_role("link", name="Done").click()
        shoot(page, folder, f"kiosk-settings-{variant}")
        shoot(go(page, "/kiosk/"), folder, f"kiosk-pair-{variant}")
    go(page, "/kiosk/").get_by_label("Pairing code").fill(code)
    page.get_by_role("button", name="Pair").click()
    page.locator("[data-tone=good]" if known else "[data-outcome=refused]").wait_for()
    shoot(page, folder, f"kiosk-{'welcome' if known else 'refused'}-{variant}")
    page.get_by_role("button", name="PIN or badge number").click()
    page.get_by_role("button", name="7").click()
    if known:
        shoot(page, folder, f"kiosk-keypad-{variant}")
    page.get_by_role("button", name="Cancel").click()


def new_kiosk(page: Page, name: str) -> str:
    """Made by the page; its pairing code."""
    go(page, "/site/kiosks/new/").get_by_label("Name").fill(name)
    page.get_by_label("Place").fill("Main entrance")
    page.get_by_role("button", name="Show the code").click()
    return page.locator(".pairing__code").inner_text()


def open_live(page: Page) -> Page:
    """The live page, once it shows a verdict."""
    go(page, "/verification/")
    page.locator("[data-card][data-verdict]:not([data-verdict=none])").wait_for()
    return page


def enrolment_pages(page: Page, folder: Path, variant: str) -> None:
    """Enrolment: the details, then the guided capture once it has taken a picture."""
    go(page, "/enrollment/")
    page.get_by_label("Name", exact=True).fill("Grace Hopper")
    page.get_by_label("The person has read this and agrees").check()
    page.get_by_role("button", name="Continue to the camera").click()
    page.get_by_role("button", name="Save with").wait_for()
    shoot(page, folder, f"enrol-capture-{variant}")


def second_factor_pages(page: Page, folder: Path, variant: str, server: LiveServer) -> None:
    """Switched on, asked for, and switched off again."""
    go(page, "/account/second-factor/")
    secret = b32decode(page.locator(".set-up__key").inner_text().replace(" ", ""))
    page.get_by_label("Code").fill(f"{totp(secret):06d}")
    page.get_by_label("Your password").fill(server.password)
    page.get_by_role("button", name="Switch it on").click()
    shoot(page, folder, f"recovery-codes-{variant}")
    codes = page.locator(".recovery-codes code").all_inner_texts()
    shoot(go(page, "/account/"), folder, f"account-with-second-factor-{variant}")
    page.context.clear_cookies()
    go(page, "/accounts/login/").get_by_label("User name").fill(server.operator)
    page.get_by_label("Password").fill(server.password)
    page.get_by_role("button", name="Log in").click()
    shoot(page, folder, f"login-code-{variant}")
    page.get_by_label("Code").fill(codes[0])
    page.get_by_role("button", name="Log in", exact=True).click()
    shoot(go(page, "/account/second-factor/off/"), folder, f"second-factor-off-{variant}")
    page.get_by_label("Code").fill(codes[1])
    page.get_by_label("Your password").fill(server.password)
    page.get_by_role("button", name="Switch it off").click()


def go(page: Page, path: str) -> Page:
    page.goto(path)
    return page


def shoot(page: Page, folder: Path, name: str) -> None:
    """The whole page as FOLDER/<name>.png."""
    page.wait_for_load_state("load")
    page.wait_for_timeout(300)  # transitions
    page.screenshot(path=folder / f"{name}.png", full_page=True)


@contextmanager
def browser(
    server: LiveServer, webcam: Path, *, logged_in: bool = True, screens: dict[str, dict[str, Any]] = SCREENS
) -> Iterator[Iterator[tuple[str, BrowserContext]]]:
    """(variant, browser context) for every screen and theme, in front of one webcam. variant: "phone-dark"."""
    from playwright.sync_api import sync_playwright

    cookie: Any = {**server.login().session_cookie(), "url": server.url}
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*ARGUMENTS, f"--use-file-for-fake-video-capture={webcam}"]
        )

        def contexts() -> Iterator[tuple[str, BrowserContext]]:
            for screen, theme in itertools.product(screens, THEMES):
                context = chromium.new_context(base_url=server.url, color_scheme=theme, **screens[screen])
                if logged_in:
                    context.add_cookies([cookie])
                yield f"{screen}-{theme}", context
                context.close()

        yield contexts()
        chromium.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=Path(tempfile.gettempdir()) / "facesite-screenshots")
    main(parser.parse_args().folder)
