from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from security.keys.checking import find_key
from security.models import ApiKey, AuditEvent

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("api_keys", *arguments, stdout=out)
    return out.getvalue()


class TestApiKeys:
    def test_makes_lists_and_revokes(self):
        options = ("--scope", "identify", "people:read", "--scope", "verify", "--expires", "2999-12-31")
        made = json.loads(run("create", "front door", *options, "--json"))
        assert made["scopes"] == ["identify", "verify", "people:read"]
        assert find_key(made["secret"]).pk == made["id"]
        assert made["secret"] not in run("list")
        assert "expires 2999-12-31, never used" in run("list")
        assert "was revoked" in run("revoke", str(made["id"]))
        assert "revoked before" in run("revoke", str(made["id"]))
        (listed,) = json.loads(run("list", "--json"))["keys"]
        assert listed["revoked_at"]
        assert AuditEvent.objects.filter(action="api_key.revoked", actor="product").exists()

    def test_prints_the_secret_on_a_line_of_its_own(self):
        assert run("create", "door", "--scope", "identify").splitlines()[1].startswith("fsk_")

    @pytest.mark.parametrize(
        "arguments",
        [
            ("create", "door", "--scope", "everything"),
            ("create", "door", "--scope", "identify", "--expires", "tomorrow"),
            ("create", "door", "--scope", "identify", "--address", "here"),
            ("revoke", "7"),
        ],
    )
    def test_refuses_in_one_sentence(self, arguments):
        with pytest.raises(CommandError):
            run(*arguments)
        assert not ApiKey.objects.exists()

    def test_says_that_there_are_none(self):
        assert "no keys" in run("list")
