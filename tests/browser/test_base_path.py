"""The live page below a path of its host, as behind a proxy: scripts, icons and the socket are found there."""

from __future__ import annotations

from benchmarks.sample import clip_frames
from tests.support.server import running_server
from tests.support.webcam import write_y4m


def test_somebody_is_verified_below_a_base_path(models_dir, shared_faces, tmp_path, browser_opener):
    webcam = write_y4m(tmp_path / "man.y4m", clip_frames(shared_faces / "webcam" / "real_male.mjpeg"))
    with (
        running_server(models_dir, FACESITE_BASE_PATH="/tools/faces") as server,
        browser_opener(server, webcam) as page,
    ):
        page.goto("enrollment/")
        assert page.url.endswith("/tools/faces/enrollment/")
        page.get_by_label("Name", exact=True).fill("Ada")
        page.get_by_label("The person has read this and agrees").check()
        page.get_by_role("button", name="Continue to the camera").click()
        page.get_by_role("button", name="Save with").click()
        page.get_by_role("heading", name="Ada").wait_for()
        page.get_by_role("link", name="Live", exact=True).click()
        card = page.locator("[data-card][data-verdict=match]")
        card.wait_for()
        assert "Ada" in card.inner_text()
        assert page.url.endswith("/tools/faces/verification/")
        paths = page.evaluate("performance.getEntriesByType('resource').map(entry => new URL(entry.name).pathname)")
        assert paths
        assert [path for path in paths if not path.startswith("/tools/faces/")] == []
