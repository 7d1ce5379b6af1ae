"""The first start makes the site key; a start without the right one ends in one sentence."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.conf import settings

from security.encryption.site_keys import new_site_key


@pytest.fixture
def manage(tmp_path, models_dir):
    """manage.py in a process of its own, on a database and a key file of its own."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "facesite.settings",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'site.sqlite3'}",
        "FACESITE_MODELS_DIR": str(models_dir),
        "FACESITE_MODEL_PACK": str(settings.FACESITE_MODEL_PACK),
        "FACESITE_DATA_KEY": "",
        "FACESITE_DATA_KEY_FILE": str(tmp_path / "data-key"),
    }

    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(
            command, cwd=settings.BASE_DIR, env=environment | more, capture_output=True, text=True, timeout=120
        )

    return run


@pytest.fixture
def prepared(manage, tmp_path):
    done = manage("prepare")
    assert done.returncode == 0, done.stderr
    assert f"A new key for the stored faces was written to {tmp_path / 'data-key'}." in done.stderr
    return tmp_path / "data-key"


class TestStart:
    def test_makes_the_key_once_for_its_owner_only(self, manage, prepared):
        made = prepared.read_text()
        again = manage("prepare")
        assert "A new key" not in again.stderr
        assert (prepared.read_text(), prepared.stat().st_mode & 0o777) == (made, 0o600)

    def test_says_in_one_sentence_that_the_key_is_missing(self, manage, prepared):
        prepared.unlink()
        for command in (("serve", "--port", "1"), ("prepare",), ("encryption", "status")):
            done = manage(*command)
            assert done.returncode == 1
            [sentence] = done.stderr.strip().splitlines()
            assert sentence.startswith("The site key is missing: ")
        assert not prepared.exists()

    def test_says_in_one_sentence_that_the_key_is_the_wrong_one(self, manage, prepared):
        done = manage("serve", "--port", "1", FACESITE_DATA_KEY=new_site_key().text, FACESITE_DATA_KEY_FILE="")
        assert done.returncode == 1
        [sentence] = done.stderr.strip().splitlines()
        assert sentence.startswith("The site key in FACESITE_DATA_KEY is the wrong one: ")

    def test_says_in_one_sentence_that_the_key_is_malformed(self, manage):
        done = manage("check", FACESITE_DATA_KEY="secret", FACESITE_DATA_KEY_FILE="")
        assert done.returncode == 1
        [sentence] = done.stderr.strip().splitlines()
        assert sentence.startswith("FACESITE_DATA_KEY must be 32 bytes in base64")
        assert "secret" not in sentence
