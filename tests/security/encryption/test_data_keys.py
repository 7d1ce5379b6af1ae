"""One key for each person, wrapped with the site key."""

from __future__ import annotations

import pytest

from enrollment.models import PersonKey
from security.encryption.data_keys import key_for, keys_by_id
from tests.verification.rows import make_person
from verification.models import PictureKey

pytestmark = pytest.mark.django_db


class TestKeyFor:
    def test_is_made_once_and_then_the_same(self):
        person = make_person()
        first = key_for(PersonKey, person=person)
        assert key_for(PersonKey, person=person).secret == first.secret
        assert keys_by_id(PersonKey, [first.id]) == {first.id: first}

    def test_stands_in_the_database_only_wrapped(self):
        key = key_for(PersonKey, person=make_person())
        assert key.secret not in bytes(PersonKey.objects.get().wrapped)

    def test_shows_no_secret_in_a_log(self):
        assert "secret" not in repr(key_for(PersonKey, person=make_person()))

    def test_goes_with_the_person(self):
        person = make_person()
        key_for(PersonKey, person=person)
        person.delete()
        assert not PersonKey.objects.exists()


class TestKeysById:
    def test_leaves_out_erased_ones(self):
        assert keys_by_id(PersonKey, [1, 2]) == {}

    def test_refuses_a_row_that_was_moved_to_another_id(self):
        key = key_for(PersonKey, person=make_person())
        PersonKey.objects.filter(pk=key.id).update(id=key.id + 1)
        with pytest.raises(ValueError, match="was changed"):
            keys_by_id(PersonKey, [key.id + 1])

    def test_each_kind_of_owner_has_a_table_of_its_own(self):
        key = key_for(PersonKey, person=make_person())
        assert keys_by_id(PictureKey, [key.id]) == {}
