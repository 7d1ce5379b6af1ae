from __future__ import annotations

import base64
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from security.audit import signing
from security.audit.signing import AuditKeyUnusable, SigningKey, VerifyingKey, known_public_key, site_key


@pytest.fixture
def key_file(settings, tmp_path):
    settings.FACESITE_AUDIT_KEY, settings.FACESITE_AUDIT_KEY_FILE = "", tmp_path / "audit.key"
    return tmp_path / "audit.key"


class TestSiteKey:
    def test_is_made_when_it_is_needed_first_for_its_owner_alone(self, key_file):
        assert known_public_key() is None
        assert not key_file.exists()
        key = site_key()
        assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
        assert site_key() == key
        assert known_public_key() == key.public
        assert [path.name for path in key_file.parent.iterdir()] == ["audit.key"]

    def test_is_one_key_however_many_make_it_at_once(self, key_file):
        with ThreadPoolExecutor(8) as pool:
            made = list(pool.map(lambda _: signing._make_key(key_file), range(16)))
        assert set(made) == {site_key().raw}

    def test_comes_from_the_environment_first(self, key_file, settings):
        settings.FACESITE_AUDIT_KEY = base64.b64encode(b"e" * 32).decode()
        assert site_key() == SigningKey(b"e" * 32)
        assert not key_file.exists()

    def test_a_file_that_holds_no_key_is_named(self, key_file):
        key_file.write_text("nonsense")
        with pytest.raises(AuditKeyUnusable, match=r"audit\.key must be 32 bytes"):
            site_key()

    def test_a_folder_that_cannot_be_written_to_is_named(self, key_file, settings):
        settings.FACESITE_AUDIT_KEY_FILE = key_file.parent / "nowhere" / "audit.key"
        with pytest.raises(AuditKeyUnusable, match="FACESITE_AUDIT_KEY_FILE"):
            site_key()


class TestSignatures:
    def test_are_right_for_their_message_and_key_only(self):
        key = SigningKey(b"k" * 32)
        seal = key.seal("day", 3, "hash")
        public = VerifyingKey.from_text(key.public.public_text)
        assert public.accepts(seal.message(), seal.signature)
        assert not public.accepts(seal.message() + b"x", seal.signature)
        assert not SigningKey(b"o" * 32).public.accepts(seal.message(), seal.signature)

    @pytest.mark.parametrize("signature", ["", "no base64!", "QUJD"])
    def test_that_are_none_are_not_right(self, signature):
        assert not SigningKey(b"k" * 32).public.accepts(b"x", signature)

    def test_a_public_key_must_be_one(self):
        with pytest.raises(AuditKeyUnusable, match="A public key must be 32 bytes"):
            VerifyingKey.from_text("abc")
