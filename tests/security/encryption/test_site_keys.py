"""The site key: from the environment or a file, made once, and never taken for another."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from security.encryption.site_keys import (
    SiteKeyUnusable,
    current_site_key,
    new_site_key,
    parse_site_keys,
    read_site_keys,
    site_key_problem,
    write_site_keys,
)
from security.models import AuditEvent, EncryptionState


@pytest.fixture
def in_a_file(settings, tmp_path):
    settings.FACESITE_DATA_KEY = ""
    settings.FACESITE_DATA_KEY_FILE = tmp_path / "data-key"
    return settings.FACESITE_DATA_KEY_FILE


class TestParseSiteKeys:
    def test_takes_one_or_several(self):
        keys = [new_site_key(), new_site_key()]
        assert parse_site_keys(f"{keys[0].text},\n {keys[1].text}\n") == tuple(keys)
        assert parse_site_keys("") == ()

    @pytest.mark.parametrize("text", ["short", "AAAA", "no base64 at all!"])
    def test_refuses_what_is_no_key_and_names_the_place(self, text):
        with pytest.raises(SiteKeyUnusable, match="THE_PLACE must hold 32 bytes in base64"):
            parse_site_keys(text, "THE_PLACE")

    def test_shows_no_secret(self):
        key = new_site_key()
        assert key.text not in repr(key)


@pytest.mark.django_db
class TestCurrentSiteKey:
    def test_is_made_at_the_first_start_for_its_owner_only(self, in_a_file):
        key = current_site_key()
        assert current_site_key() == key
        assert in_a_file.stat().st_mode & 0o777 == 0o600
        assert [path.name for path in in_a_file.parent.iterdir()] == ["data-key"]

    def test_being_taken_into_use_leaves_an_audit_row(self, in_a_file):
        key = current_site_key()
        assert AuditEvent.objects.get().target == f"site_key:{key.fingerprint}"

    def test_is_never_made_anew_for_a_database_that_has_one(self, in_a_file):
        key = current_site_key()
        in_a_file.unlink()
        with pytest.raises(SiteKeyUnusable, match=f"is missing.*{key.fingerprint}"):
            current_site_key()
        assert not in_a_file.exists()

    def test_is_not_taken_for_another_site_s(self, in_a_file):
        key, other = current_site_key(), new_site_key()
        write_site_keys(in_a_file, [other])
        with pytest.raises(SiteKeyUnusable, match=f"wrong one.*{other.fingerprint}.*{key.fingerprint}"):
            current_site_key()

    def test_is_the_first_of_several(self, in_a_file):
        old = current_site_key()
        new = new_site_key()
        write_site_keys(in_a_file, [new, old])
        assert current_site_key() == new

    def test_is_read_again_when_the_file_was_replaced_in_the_moment_of_its_time_stamp(self, in_a_file):
        moment = time.time()
        for key in (new_site_key(), new_site_key(), new_site_key()):
            in_a_file.write_text(f"{key.text}\n")  # the same file, as long as before
            os.utime(in_a_file, (moment, moment))
            assert read_site_keys() == (key,)

    def test_is_not_read_again_while_the_file_stays_and_follows_one_that_took_its_place(self, in_a_file, monkeypatch):
        first, second = new_site_key(), new_site_key()
        for key in (first, second):
            write_site_keys(in_a_file, [key])
            os.utime(in_a_file, (long_ago := time.time() - 3600, long_ago))
            assert read_site_keys() == (key,)
        monkeypatch.setattr(Path, "read_text", lambda path: pytest.fail("nothing has changed"))
        assert read_site_keys() == (second,)

    def test_says_when_its_folder_cannot_be_written(self, in_a_file, settings):
        settings.FACESITE_DATA_KEY_FILE = in_a_file / "nowhere" / "key"
        with pytest.raises(SiteKeyUnusable, match="cannot be written"):
            current_site_key()
        assert not EncryptionState.objects.exists()

    def test_the_environment_s_key_needs_no_file(self, tmp_path, settings):
        settings.FACESITE_DATA_KEY_FILE = tmp_path / "data-key"
        assert current_site_key() == read_site_keys()[0]
        assert not settings.FACESITE_DATA_KEY_FILE.exists()


@pytest.mark.django_db
class TestSiteKeyProblem:
    def test_is_empty_for_a_new_database_and_makes_no_key(self, in_a_file):
        assert site_key_problem() == ""
        assert not in_a_file.exists()

    def test_is_the_sentence_of_a_missing_key(self, in_a_file):
        current_site_key()
        assert site_key_problem() == ""
        in_a_file.unlink()
        assert "The site key is missing" in site_key_problem()
