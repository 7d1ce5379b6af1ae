"""A new site key: stopped, gone on with, and never without a way back to a face."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from enrollment.models import PersonKey
from security.audit.actions import Action
from security.encryption import rotating
from security.encryption.data_keys import key_for, keys_by_id
from security.encryption.site_keys import (
    SiteKeyUnusable,
    current_site_key,
    new_site_key,
    read_site_keys,
    write_site_keys,
)
from security.models import AuditEvent, EncryptionState
from tests.verification.rows import make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def in_a_file(settings, tmp_path):
    settings.FACESITE_DATA_KEY = ""
    settings.FACESITE_DATA_KEY_FILE = tmp_path / "data-key"
    return settings.FACESITE_DATA_KEY_FILE


@pytest.fixture
def keys(in_a_file, monkeypatch):
    monkeypatch.setattr(rotating, "BATCH", 2)
    return {key.id: key for key in (key_for(PersonKey, person=make_person(f"Person {n}")) for n in range(5))}


class TestRotate:
    def test_wraps_every_key_again_and_changes_none(self, keys):
        before = current_site_key()
        rotating.begin_rotation()
        assert sum(rotating.rotate()) == 5
        assert current_site_key() != before
        assert set(PersonKey.objects.values_list("site_key", flat=True)) == {current_site_key().fingerprint}
        assert keys_by_id(PersonKey, keys) == keys
        assert not rotating.rotation_begun()
        assert AuditEvent.objects.filter(action=Action.SITE_KEY_ROTATED).count() == 1

    def test_goes_on_where_it_was_stopped(self, keys):
        rotating.begin_rotation()
        new = current_site_key()
        assert next(rotating.rotate()) == 2
        assert keys_by_id(PersonKey, keys) == keys  # some are wrapped with the old key, some with the new one
        assert rotating.count_to_rotate() == 3
        rotating.begin_rotation()  # makes no third key
        assert sum(rotating.rotate()) == 3
        assert (current_site_key(), len(read_site_keys())) == (new, 2)

    def test_new_keys_have_the_new_site_key_at_once(self, keys):
        rotating.begin_rotation()
        key = key_for(PersonKey, person=make_person())
        assert PersonKey.objects.get(pk=key.id).site_key == current_site_key().fingerprint

    def test_says_what_to_do_when_the_key_is_in_the_environment(self):
        current_site_key()
        with pytest.raises(SiteKeyUnusable, match="FACESITE_DATA_KEY=new,old"):
            rotating.begin_rotation()

    def test_takes_a_new_key_from_the_environment(self, settings):
        key = key_for(PersonKey, person=make_person())
        settings.FACESITE_DATA_KEY = f"{new_site_key().text},{settings.FACESITE_DATA_KEY}"
        rotating.begin_rotation()
        assert sum(rotating.rotate()) == 1
        settings.FACESITE_DATA_KEY = settings.FACESITE_DATA_KEY.partition(",")[0]
        assert keys_by_id(PersonKey, [key.id]) == {key.id: key}


class TestRetireOldKeys:
    def test_waits_for_work_that_was_under_way(self, keys):
        rotating.begin_rotation()
        list(rotating.rotate())
        assert not rotating.retire_old_keys()
        assert len(read_site_keys()) == 2
        EncryptionState.objects.update(rotated_at=timezone.now() - timedelta(minutes=11))
        assert rotating.retire_old_keys()
        assert read_site_keys() == (current_site_key(),)

    def test_keeps_a_key_that_something_is_still_wrapped_with(self, keys, in_a_file):
        old = current_site_key()
        rotating.begin_rotation()
        list(rotating.rotate())
        EncryptionState.objects.update(rotated_at=timezone.now() - timedelta(days=1))
        both = read_site_keys()
        write_site_keys(in_a_file, [old])
        EncryptionState.objects.update(site_key=old.fingerprint)
        late = key_for(PersonKey, person=make_person("Late"))
        EncryptionState.objects.update(site_key=both[0].fingerprint)
        write_site_keys(in_a_file, both)
        assert not rotating.retire_old_keys()
        assert sum(rotating.rotate()) == 1
        assert rotating.retire_old_keys()
        assert keys_by_id(PersonKey, [late.id]) == {late.id: late}
