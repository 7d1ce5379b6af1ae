"""OpenID Connect: the authorization code flow with PKCE, state and nonce, from the address to the checked claims.

https://openid.net/specs/openid-connect-core-1_0.html. Authlib speaks it, joserfc checks signatures. Every call to the
provider blocks for at most a few seconds and belongs into a thread, as Django's plain views are.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from time import time
from typing import Any
from urllib.parse import urlencode

from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from django.utils.translation import gettext as _
from joserfc import jwt
from joserfc.jwk import KeySet

from security.events import log_event
from security.sign_in.openid_calls import Answered, OpenIdFailed, ask, call, keys_of, metadata_of
from security.sign_in.provider import Provider

logger = logging.getLogger("facesite.sign_in")
ID_TOKEN = "openid_id_token"  # noqa: S105
"""Where the session keeps it, for the end at the provider."""
BY_OPENID = "openid"
"""How somebody signed in, as the audit trail says it."""
PATIENCE_S = 600
"""How long somebody may take to sign in at the provider."""
ALGORITHMS = ["RS256", "ES256"]
"""Never `none`, and never one whose key could be a public key taken as a password."""
LEEWAY_S = 60
"""How far the clocks of provider and site may be apart."""


@dataclass(frozen=True, slots=True)
class Journey:
    """What the session keeps while somebody is at the provider."""

    state: str
    nonce: str
    verifier: str
    next: str
    until: float


@dataclass(frozen=True, slots=True)
class Arrived:
    """Somebody came back, and what the provider says of them was checked."""

    claims: dict[str, Any]
    id_token: str
    next: str

    @property
    def had_second_factor(self) -> bool:
        """The provider says that it asked for more than one factor (RFC 8176: `mfa`)."""
        methods = self.claims.get("amr")
        return isinstance(methods, list) and "mfa" in methods


def set_out(provider: Provider, *, redirect_uri: str, next_url: str) -> tuple[str, dict[str, Any]]:
    """Where the browser goes now, and what the session must keep for `arrive`. Raises OpenIdFailed."""
    metadata = metadata_of(provider)
    journey = Journey(
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(48),
        next=next_url,
        until=time() + PATIENCE_S,
    )
    with _client(provider, metadata, redirect_uri) as client:
        address, _ = client.create_authorization_url(
            metadata["authorization_endpoint"],
            state=journey.state,
            nonce=journey.nonce,
            code_verifier=journey.verifier,
        )
    return address, asdict(journey)


def arrive(
    provider: Provider, *, kept: Mapping[str, Any] | None, answer: Mapping[str, str], redirect_uri: str
) -> Arrived:
    """Check the provider's answer against what the session kept, and exchange its code. Raises OpenIdFailed.

    answer: the query of the callback's address.
    """
    if "error" in answer:  # not every provider sends the state along then, and nothing is begun by it
        raise OpenIdFailed(
            "denied",
            _("{name} did not let you in, or you turned back. Nobody was logged in.").format(name=provider.name),
        )
    journey = _journey(kept, answer)
    if answer.get("iss", provider.issuer) != provider.issuer:  # RFC 9207: another provider's answer
        raise _distrust(provider, "other_issuer")
    metadata = metadata_of(provider)
    with _client(provider, metadata, redirect_uri) as client:
        token = call(
            provider,
            lambda: client.fetch_token(
                metadata["token_endpoint"],
                code=answer.get("code", ""),
                grant_type="authorization_code",
                redirect_uri=redirect_uri,
                code_verifier=journey.verifier,
            ),
        )
    id_token, access_token = str(token.get("id_token", "")), str(token.get("access_token", ""))
    claims = checked_claims(provider, id_token, nonce=journey.nonce, access_token=access_token)
    return Arrived(_completed(provider, metadata, claims, access_token), id_token, journey.next)


def checked_claims(provider: Provider, id_token: str, *, nonce: str, access_token: str = "") -> dict[str, Any]:
    """The claims of an ID token: signature, issuer, audience, times and nonce are as they must be (core, 3.1.3.7).

    Raises OpenIdFailed.
    """
    try:
        token = _decoded(provider, id_token)
        claims = CodeIDToken(
            token.claims,
            token.header,
            options={
                "iss": {"essential": True, "value": provider.issuer},
                "aud": {"essential": True, "value": provider.client_id},
                "sub": {"essential": True},
                "exp": {"essential": True},
            },
            params={"nonce": nonce, "client_id": provider.client_id, "access_token": access_token},
        )
        claims.validate(leeway=LEEWAY_S)
    except OpenIdFailed:
        raise
    except Exception as error:  # of two libraries, about whatever somebody sent
        raise _distrust(provider, str(getattr(error, "error", "")) or type(error).__name__) from error
    return dict(claims)


def address_of_the_end(provider: Provider, *, id_token: str, back_to: str) -> str | None:
    """Where the session at the provider is ended too, if it offers that (RP-Initiated Logout 1.0); else None."""
    try:
        address = metadata_of(provider).get("end_session_endpoint")
    except OpenIdFailed:
        return None
    if not address:
        return None
    query = {"client_id": provider.client_id, "post_logout_redirect_uri": back_to, "id_token_hint": id_token}
    return (
        f"{address}{'&' if '?' in address else '?'}{urlencode({key: value for key, value in query.items() if value})}"
    )


def _journey(kept: Mapping[str, Any] | None, answer: Mapping[str, str]) -> Journey:
    journey = Journey(**kept) if kept else None
    if (
        journey is None
        or journey.until < time()
        or not secrets.compare_digest(journey.state.encode(), answer.get("state", "").encode())
    ):
        raise OpenIdFailed(
            "state", _("This login was begun in another window, or more than ten minutes ago. Begin again.")
        )
    return journey


def _client(provider: Provider, metadata: Answered, redirect_uri: str) -> OAuth2Session:
    methods = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    method = "client_secret_basic" if "client_secret_basic" in methods else "client_secret_post"
    client = OAuth2Session(
        provider.client_id,
        provider.client_secret or None,
        token_endpoint_auth_method=method if provider.client_secret else "none",
        scope=provider.scope,
        redirect_uri=redirect_uri,
        code_challenge_method="S256",
    )
    client.request = ask(client)  # type: ignore[method-assign]
    return client


def _decoded(provider: Provider, id_token: str) -> jwt.Token:
    """Its signature is checked. A key that is not known may be new: the provider is asked for its keys once more."""
    try:
        return jwt.decode(id_token, KeySet.import_key_set(keys_of(provider)), algorithms=ALGORITHMS)
    except OpenIdFailed:
        raise
    except Exception:
        return jwt.decode(id_token, KeySet.import_key_set(keys_of(provider, anew=True)), algorithms=ALGORITHMS)


def _completed(provider: Provider, metadata: Answered, claims: dict[str, Any], access_token: str) -> dict[str, Any]:
    """With what the provider tells only at its userinfo address, where something is missing. The token goes first."""
    wanted = {provider.name_claim, *([provider.roles_claim] if provider.roles else [])}
    address = metadata.get("userinfo_endpoint")
    if wanted <= claims.keys() or not address or not access_token:
        return claims
    with OAuth2Session(token={"access_token": access_token, "token_type": "Bearer"}) as client:
        request = ask(client)
        told = call(provider, lambda: request("GET", address).json())
    if not isinstance(told, dict) or told.get("sub") != claims["sub"]:  # core, 5.3.2
        raise _distrust(provider, "other_subject")
    return told | claims


def _distrust(provider: Provider, reason: str) -> OpenIdFailed:
    log_event(logger, "openid_distrusted", level=logging.WARNING, reason=reason)
    return OpenIdFailed(
        "distrusted",
        _(
            "The answer of {label} cannot be trusted, so nobody was logged in. Begin again; if it happens again, tell "
            "an administrator."
        ).format(label=provider.label),
    )
