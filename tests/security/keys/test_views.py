from __future__ import annotations

import re

import pytest

from security.keys.scopes import Scope
from security.keys.services import create_key
from security.models import ApiKey

pytestmark = pytest.mark.django_db

FIELDS = {"name": "Front door", "scopes": ["identify"], "addresses": "", "expires": "", "requests_per_minute": "60"}


class TestNewKey:
    def test_shows_the_secret_once(self, staff_client):
        answer = staff_client.post("/site/api-keys/new/", FIELDS | {"addresses": "10.0.0.0/8, 192.0.2.7"})
        (secret,) = re.findall(r"fsk_[\w-]{43}", answer.content.decode())
        assert answer.headers["Cache-Control"] == "no-store"
        key = ApiKey.objects.get()
        assert (key.name, key.scopes, key.requests_per_minute) == ("Front door", ["identify"], 60)
        assert key.addresses == ["10.0.0.0/8", "192.0.2.7/32"]
        assert secret not in staff_client.get("/site/api-keys/").content.decode()

    @pytest.mark.parametrize(
        ("wrong", "sentence"),
        [
            ({"scopes": []}, "Tick at least one"),
            ({"addresses": "somewhere"}, "is no address or network"),
            ({"expires": "2020-01-01"}, "This day is over"),
        ],
    )
    def test_says_what_is_wrong(self, staff_client, wrong, sentence):
        answer = staff_client.post("/site/api-keys/new/", FIELDS | wrong)
        assert answer.status_code == 400
        assert sentence in answer.content.decode()
        assert not ApiKey.objects.exists()


class TestKeys:
    def test_are_listed_and_revoked(self, staff_client):
        key, _ = create_key(actor=None, name="Front door", scopes=[Scope.IDENTIFY])
        assert "by a command" in staff_client.get("/site/api-keys/").content.decode()
        answer = staff_client.post(f"/site/api-keys/{key.pk}/revoke/", follow=True)
        assert "was revoked" in answer.content.decode()
        assert ApiKey.objects.get().revoked_at is not None

    def test_are_one_of_the_sections_of_the_site(self, staff_client):
        assert "/site/api-keys/" in staff_client.get("/site/").content.decode()
