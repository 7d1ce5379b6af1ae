from __future__ import annotations

import os
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from facesite import storage


@pytest.fixture
def own_static_root(settings, tmp_path) -> Path:
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": "facesite.storage.HashedStaticFiles"}}
    return settings.STATIC_ROOT


class TestCollectStaticFiles:
    def test_names_what_modules_import_by_its_content(self, own_static_root):
        storage.collect_static_files()
        entry = next(own_static_root.glob("js/enroll*.*.js"))
        assert re.search(r'from "\./[\w/]+\.[0-9a-f]{12}\.js"', entry.read_text())

    def test_is_skipped_while_nothing_changed(self, own_static_root, monkeypatch):
        storage.collect_static_files()
        monkeypatch.setattr(storage, "call_command", lambda *args, **kwargs: pytest.fail("collected again"))
        storage.collect_static_files()

    def test_of_two_that_start_together_one_waits_and_finds_it_done(self, own_static_root, monkeypatch):
        collected = []

        def collect(*args: object, **kwargs: object) -> None:
            collected.append(threading.get_ident())
            time.sleep(0.2)

        monkeypatch.setattr(storage, "call_command", collect)
        with ThreadPoolExecutor(2) as pool:
            for one in [pool.submit(storage.collect_static_files) for _ in range(2)]:
                one.result()
        assert len(collected) == 1

    def test_a_new_version_leaves_the_old_ones_files_to_whoever_still_asks_for_them(
        self, own_static_root, settings, tmp_path
    ):
        source = tmp_path / "source" / "css" / "own.css"
        source.parent.mkdir(parents=True)
        settings.STATICFILES_DIRS = [*settings.STATICFILES_DIRS, tmp_path / "source"]
        source.write_text("p { color: black; }")
        storage.collect_static_files()
        source.write_text("p { color: white; }")
        os.utime(source, (1, 1))  # a step back to an older version: its files are older than their copies
        storage.collect_static_files()
        collected = [path.read_text() for path in own_static_root.glob("css/own.*.css")]
        assert sorted(collected) == ["p { color: black; }", "p { color: white; }"]
        assert (own_static_root / "css" / "own.css").read_text() == "p { color: white; }"
