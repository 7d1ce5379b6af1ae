from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.utils import timezone

from security.allowing import NotAllowed, is_allowed
from security.audit.wording import in_words
from security.keys.checking import KeyRefused, KeyRevoked, find_key, forget_checked
from security.keys.scopes import RIGHTS_OF_SCOPE, Scope
from security.keys.services import create_key, revoke_key
from security.models import ApiKey, AuditEvent
from security.operators.services import list_operators
from security.rights import Right
from security.roles.table import Role
from tests.support.operators import make_operator
from tests.support.pseudo import pseudo_language

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_remembered():
    forget_checked()


class TestCreateKey:
    def test_keeps_nothing_by_which_the_secret_could_be_read_again(self):
        key, secret = create_key(actor=None, name="door", scopes=[Scope.IDENTIFY])
        assert secret.startswith("fsk_")
        assert len(secret) == 47
        row = ApiKey.objects.filter(pk=key.pk).values().get()
        assert secret not in str(row)
        assert row["prefix"] == secret[:10]

    def test_names_its_account_alike_in_every_language(self):
        with pseudo_language():
            key, _ = create_key(actor=None, name="door", scopes=[Scope.IDENTIFY])
        assert key.account.get_username() == f"API key door ({key.prefix})"

    def test_leaves_an_audit_row_in_words(self):
        boss = make_operator(Role.ADMINISTRATOR, name="boss")
        key, _ = create_key(actor=boss, name="door", scopes=[Scope.IDENTIFY], addresses=["10.0.0.0/8"])
        revoke_key(actor=boss, key=key)
        revoked, created = in_words(list(AuditEvent.objects.filter(action__startswith="api_key.")))
        assert (created.what, created.who, created.about) == ("API key created", "boss", str(key))
        assert revoked.what == "API key revoked"

    @pytest.mark.parametrize("role", [role for role in Role if role != Role.ADMINISTRATOR])
    def test_is_for_administrators(self, role):
        with pytest.raises(NotAllowed):
            create_key(actor=make_operator(role), name="door", scopes=[Scope.IDENTIFY])

    @pytest.mark.parametrize(
        ("field", "wrong"),
        [
            ("name", {"name": " "}),
            ("name", {"name": "x" * 61}),
            ("scopes", {"scopes": []}),
            ("scopes", {"scopes": ["everything"]}),
            ("addresses", {"addresses": ["10.0.0.0/99"]}),
            ("expires_at", {"expires_at": timezone.now() - timedelta(days=1)}),
            ("requests_per_minute", {"requests_per_minute": 0}),
        ],
    )
    def test_refuses_what_makes_no_key(self, field, wrong):
        with pytest.raises(ValidationError) as refused:
            create_key(**{"actor": None, "name": "door", "scopes": [Scope.IDENTIFY]} | wrong)
        assert list(refused.value.message_dict) == [field]
        assert not ApiKey.objects.exists()
        assert not User.objects.exists()


class TestTheAccountOfAKey:
    @pytest.fixture
    def key(self) -> ApiKey:
        return create_key(actor=None, name="door", scopes=tuple(Scope))[0]

    def test_is_no_operator_and_cannot_sign_in(self, key):
        assert not list_operators().exists()
        assert not key.account.has_usable_password()
        assert authenticate(username=key.account.username, password="") is None
        assert not is_allowed(key.account, Right.VERIFY)

    def test_is_not_on_the_pages_of_operators(self, key, staff_client):
        assert staff_client.get(f"/site/operators/{key.account.pk}/").status_code == 404

    @pytest.mark.parametrize("scope", Scope)
    def test_acts_with_the_rights_of_the_scope_that_is_asked_for_alone(self, key, scope):
        _, secret = create_key(actor=None, name="all", scopes=tuple(Scope))
        actor = find_key(secret).actor(scope)
        assert {right for right in Right if is_allowed(actor, right)} == RIGHTS_OF_SCOPE[scope]


class TestFindKey:
    def test_knows_a_key_by_its_whole_secret_only(self):
        key, secret = create_key(actor=None, name="door", scopes=[Scope.IDENTIFY])
        assert find_key(secret).pk == key.pk
        for wrong in (secret[:-1], secret + "x", secret.swapcase(), key.digest, key.prefix):
            with pytest.raises(KeyRefused):
                find_key(wrong)

    def test_notices_a_revocation_at_once(self):
        key, secret = create_key(actor=None, name="door", scopes=[Scope.IDENTIFY])
        find_key(secret).require_usable("")
        assert revoke_key(actor=None, key=key)
        assert not revoke_key(actor=None, key=key)
        with pytest.raises(KeyRevoked):
            find_key(secret).require_usable("")

    def test_takes_ipv4_in_ipv6_for_the_network_that_it_is_in(self):
        _, secret = create_key(actor=None, name="door", scopes=[Scope.IDENTIFY], addresses=["10.0.0.0/8"])
        find_key(secret).require_usable("::ffff:10.1.2.3")
