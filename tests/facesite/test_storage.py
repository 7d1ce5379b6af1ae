from __future__ import annotations

import re
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
