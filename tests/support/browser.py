"""A real Chromium with a fake webcam, driven by Playwright.

Playwright's synchronous API keeps an event loop running in this thread, in which Django's ORM refuses to work and
pytest-asyncio cannot start its own: a browser is open for one test only, and tests look at the server from outside.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support import skips
from tests.support.server import LiveServer
from tests.support.sockets import PATIENCE_S

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",  # CI runs as root
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
]
PATIENCE_MS = 1000 * PATIENCE_S
OpenPage = Callable[..., AbstractContextManager["Page"]]


@contextmanager
def open_page(
    server: LiveServer,
    webcam: Path,
    *,
    logged_in: bool = True,
    expected: str | tuple[str, ...] = (),
    **context_options: object,
) -> Iterator[Page]:
    """A page of a fresh browser in front of `webcam` (.y4m).

    Errors on its console fail the test at the end, unless they contain what is `expected`.
    """
    harmless = (expected,) if isinstance(expected, str) else expected
    from playwright.sync_api import sync_playwright

    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[*ARGUMENTS, f"--use-file-for-fake-video-capture={webcam}"],
            timeout=PATIENCE_MS,
        )
        context = browser.new_context(base_url=f"{server.url}/", **context_options)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MS)
        if logged_in:
            context.add_cookies([{**server.login().session_cookie(), "url": server.url}])  # type: ignore[typeddict-item]
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(f"uncaught: {error}"))
        page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
        yield page
        browser.close()
    assert not [line for line in complaints if not any(words in line for words in harmless)]


@pytest.fixture(scope="session")
def browser_opener() -> OpenPage:
    """open_page(), or a skip where there is no Chromium."""
    pytest.importorskip("playwright", reason="browser: no Playwright")
    if not shutil.which(CHROMIUM):
        skips.skip("browser", "no Chromium")
    return open_page
