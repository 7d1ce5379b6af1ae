"""The provider's settings: what they take, and the sentence that names what they refuse."""

from __future__ import annotations

import pytest

from facesite import openid
from facesite.env import SettingsError
from security.roles.table import Role


@pytest.fixture
def said(monkeypatch):
    """said(ISSUER=..., ...) is the sentence about these settings; FACESITE_OIDC_ is put before each name."""

    def read(**values: str) -> str:
        for name, value in values.items():
            monkeypatch.setenv(f"FACESITE_OIDC_{name}", value)
        with pytest.raises(SettingsError) as refused:
            openid.read_provider()
        return str(refused.value)

    return read


class TestReadProvider:
    def test_there_is_none_without_settings(self):
        assert openid.read_provider() is None

    def test_an_issuer_and_a_name_are_enough(self, monkeypatch):
        monkeypatch.setenv("FACESITE_OIDC_ISSUER", "https://login.example.org/realms/x")
        monkeypatch.setenv("FACESITE_OIDC_CLIENT_ID", "facesite")
        provider = openid.read_provider()
        assert provider is not None
        assert (provider.label, provider.name_claim, provider.create) == (
            "your organisation",
            "preferred_username",
            False,
        )

    @pytest.mark.parametrize("issuer", ["http://login.example.org", "login.example.org", "https://a.example?x=1"])
    def test_the_issuer_must_be_an_https_address(self, said, issuer):
        sentence = said(ISSUER=issuer, CLIENT_ID="x")
        assert sentence.startswith("FACESITE_OIDC_ISSUER must be the provider's https address")
        assert sentence.endswith(f"not '{issuer}'.")

    def test_the_sites_name_is_needed(self, said):
        assert said(ISSUER="https://a.example").startswith("FACESITE_OIDC_CLIENT_ID is not set")

    def test_the_rest_alone_is_a_mistake(self, said):
        assert said(CLIENT_SECRET="x") == (
            "FACESITE_OIDC_CLIENT_SECRET is set, but FACESITE_OIDC_ISSUER is not: set both or neither."
        )

    def test_the_scope_must_be_openids(self, said):
        assert "must hold the word openid" in said(ISSUER="https://a.example", CLIENT_ID="x", SCOPE="profile")

    def test_a_secret_is_never_shown(self, monkeypatch):
        for name, value in {"ISSUER": "https://a.example", "CLIENT_ID": "x", "CLIENT_SECRET": "hush"}.items():
            monkeypatch.setenv(f"FACESITE_OIDC_{name}", value)
        assert "hush" not in repr(openid.read_provider())


class TestReadRoles:
    def test_takes_what_a_claim_holds_and_a_role(self, monkeypatch):
        monkeypatch.setenv("X", "cn=admins,administrator".replace(",", "=") + ", desk = receptionist")
        assert openid.read_roles("X") == {"cn=admins": Role.ADMINISTRATOR, "desk": Role.RECEPTIONIST}

    @pytest.mark.parametrize("text", ["desk", "desk=", "=receptionist", "desk=boss"])
    def test_refuses_what_is_no_role(self, said, text):
        sentence = said(ISSUER="https://a.example", CLIENT_ID="x", ROLES=text)
        assert sentence == (
            "FACESITE_OIDC_ROLES must list value=role with the roles Kiosk, Receptionist, Manager, Privacy officer, "
            f"Administrator, not '{text}'."
        )
