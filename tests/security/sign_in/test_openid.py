"""ID tokens that somebody forged, and providers that say strange things. What a provider tells is in the cache."""

from __future__ import annotations

import base64
import hmac
import time
from typing import Any

import pytest
from django.core.cache import cache
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey

from security.sign_in import openid, openid_calls
from security.sign_in.openid_calls import OpenIdFailed
from security.sign_in.provider import Provider, is_safe_address

PROVIDER = Provider("https://login.example.org", "facesite", "secret", label="Example Ltd")
KEY = RSAKey.generate_key(2048, parameters={"kid": "one"})
ADDRESSES = {
    "issuer": PROVIDER.issuer,
    "authorization_endpoint": "https://login.example.org/authorize",
    "token_endpoint": "https://login.example.org/token",
    "jwks_uri": "https://login.example.org/keys",
    "userinfo_endpoint": "https://login.example.org/me",
}


@pytest.fixture(autouse=True)
def told(monkeypatch) -> None:
    """What the provider has told this process. Asked for its keys again, it has no others."""
    cache.clear()
    cache.set(openid_calls._key(PROVIDER, "metadata"), ADDRESSES)
    tell_keys(KEY)
    monkeypatch.setattr(openid_calls, "_fetch", lambda *_: KeySet([KEY]).as_dict(private=False))


def tell_keys(*keys: Any) -> None:
    cache.set(openid_calls._key(PROVIDER, "keys"), KeySet(list(keys)).as_dict(private=False))


def signed(key: Any = KEY, algorithm: str = "RS256", **changes: Any) -> str:
    """A good token, but for the changes; None takes a claim away."""
    now = int(time.time())
    claims = {"iss": PROVIDER.issuer, "sub": "1", "aud": "facesite", "exp": now + 60, "iat": now, "nonce": "n"}
    kept = {name: value for name, value in (claims | changes).items() if value is not None}
    return jwt.encode({"alg": algorithm, "kid": key.kid}, kept, key, algorithms=[algorithm])


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def refused(token: str) -> bool:
    with pytest.raises(OpenIdFailed) as failed:
        openid.checked_claims(PROVIDER, token, nonce="n")
    return failed.value.code == "distrusted"


class TestCheckedClaims:
    def test_a_good_token_is_believed(self):
        assert openid.checked_claims(PROVIDER, signed(), nonce="n")["sub"] == "1"

    def test_so_is_one_of_an_elliptic_curve(self):
        key = ECKey.generate_key("P-256", parameters={"kid": "two"})
        tell_keys(KEY, key)
        assert openid.checked_claims(PROVIDER, signed(key, "ES256"), nonce="n")["sub"] == "1"

    @pytest.mark.parametrize(
        "changes",
        [
            {"iss": "https://evil.example"},
            {"aud": "another-site"},
            {"aud": ["facesite", "another-site"]},
            {"aud": ["facesite", "another-site"], "azp": "another-site"},
            {"exp": 1},
            pytest.param({"exp": int(time.time()) - 61}, id="expired a minute ago"),
            {"exp": "tomorrow"},
            pytest.param({"iat": int(time.time()) + 3600}, id="issued in an hour"),
            {"nonce": "another"},
            *({name: None} for name in ("iss", "sub", "aud", "exp", "iat", "nonce")),
        ],
        ids=str,
    )
    def test_a_token_that_is_not_for_this_sign_in_is_not(self, changes):
        assert refused(signed(**changes))

    def test_nor_one_signed_with_the_public_key_as_a_password(self):
        _, claims, _ = signed().split(".")
        header = base64url(b'{"alg":"HS256","kid":"one"}')
        signed_part = f"{header}.{claims}"
        code = hmac.digest(KEY.as_pem(private=False), signed_part.encode(), "sha256")
        assert refused(f"{signed_part}.{base64url(code)}")

    def test_nor_one_of_another_access_token(self):
        with pytest.raises(OpenIdFailed, match="cannot be trusted"):
            openid.checked_claims(PROVIDER, signed(at_hash="x"), nonce="n", access_token="another")

    def test_nor_one_signed_with_the_clients_secret(self):
        secret = OctKey.import_key(PROVIDER.client_secret * 8, parameters={"kid": "one"})
        assert refused(signed(secret, "HS256"))

    def test_nor_one_that_nobody_signed(self):
        _, claims, _ = signed().split(".")
        header = base64url(b'{"alg":"none"}')
        assert refused(f"{header}.{claims}.")

    def test_nor_one_signed_by_somebody_else(self):
        assert refused(signed(RSAKey.generate_key(2048, parameters={"kid": "one"})))

    @pytest.mark.parametrize("token", ["", "x", "a.b.c", "....", "é.é.é"])
    def test_nor_what_is_no_token(self, token):
        assert refused(token)

    def test_a_new_key_is_asked_for_once(self, monkeypatch):
        new = RSAKey.generate_key(2048, parameters={"kid": "new"})
        asked = []

        def fetch(provider: Provider, address: str) -> Any:
            asked.append(address)
            return KeySet([KEY, new]).as_dict(private=False)

        monkeypatch.setattr(openid_calls, "_fetch", fetch)
        openid.checked_claims(PROVIDER, signed(new), nonce="n")
        openid.checked_claims(PROVIDER, signed(new), nonce="n")
        assert asked == [ADDRESSES["jwks_uri"]]


class TestMetadata:
    @pytest.mark.parametrize(
        "changes",
        [
            {"issuer": "https://evil.example"},
            {"issuer": None},
            {"token_endpoint": "http://login.example.org/token"},
            {"jwks_uri": None},
            {"authorization_endpoint": "javascript:alert(1)"},
            {"end_session_endpoint": "http://login.example.org/end"},
        ],
        ids=str,
    )
    def test_addresses_that_are_not_safe_are_refused(self, monkeypatch, changes):
        cache.clear()
        monkeypatch.setattr(openid_calls, "_fetch", lambda *_: ADDRESSES | changes)
        with pytest.raises(OpenIdFailed, match="not set up as this site expects") as failed:
            openid_calls.metadata_of(PROVIDER)
        assert failed.value.code == "misconfigured"


class TestCall:
    def test_only_four_wait_for_the_provider_at_the_same_time(self, monkeypatch):
        monkeypatch.setattr(openid_calls, "SECONDS", 0.05)

        def one_more(depth: int) -> int:
            return openid_calls.call(PROVIDER, lambda: one_more(depth - 1)) if depth else 0

        assert one_more(openid_calls.AT_ONCE) == 0
        with pytest.raises(OpenIdFailed, match="does not answer"):
            one_more(openid_calls.AT_ONCE + 1)


class TestIsSafeAddress:
    @pytest.mark.parametrize(
        "address", ["https://login.example.org/x", "http://localhost:9400", "http://127.0.0.1", "http://[::1]:80/"]
    )
    def test_takes_https_and_this_machine(self, address):
        assert is_safe_address(address)

    @pytest.mark.parametrize(
        "address",
        [None, 5, "", "login.example.org", "http://login.example.org", "https://", "ftp://localhost", "http://[x"],
    )
    def test_refuses_the_rest(self, address):
        assert not is_safe_address(address)
