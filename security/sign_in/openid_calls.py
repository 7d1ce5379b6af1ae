"""Calls to the OpenID provider: where it lives, what it is asked, and what is said when it does not answer."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from threading import BoundedSemaphore
from typing import Any, TypeVar

import requests
from authlib.common.errors import AuthlibBaseError
from django.core.cache import cache
from django.utils.translation import gettext as _

from security.events import log_event
from security.sign_in.provider import Provider, is_safe_address

logger = logging.getLogger("facesite.sign_in")
Answered = dict[str, Any]
T = TypeVar("T")
SECONDS = 5
"""For a connection, and for each piece of an answer."""
REMEMBERED_S = 600
"""How long a process keeps the provider's addresses and keys."""
AT_ONCE = 4
"""Calls at the same time, of the sixteen requests that a process works on: a silent provider stops no other page."""

_turns = BoundedSemaphore(AT_ONCE)


class OpenIdFailed(Exception):
    """Nobody was signed in. str() is a sentence for the login page, `code` a word for the log."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


def metadata_of(provider: Provider) -> Answered:
    """The provider's addresses (OpenID Connect Discovery 1.0). Raises OpenIdFailed."""
    key = _key(provider, "metadata")
    known: Answered | None = cache.get(key)
    if known is None:
        known = _fetch(provider, f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration")
        _check(provider, known)
        cache.set(key, known, REMEMBERED_S)
    return known


def keys_of(provider: Provider, *, anew: bool = False) -> Any:
    """The provider's public keys as a JWK set. anew: asked now, whatever is remembered. Raises OpenIdFailed."""
    key = _key(provider, "keys")
    known = None if anew else cache.get(key)
    if known is None:
        known = _fetch(provider, metadata_of(provider)["jwks_uri"])
        cache.set(key, known, REMEMBERED_S)
    return known


def ask(session: requests.Session) -> Callable[..., requests.Response]:
    """`session.request` with time limits, and without following a redirect to somewhere else."""
    request = session.request

    def asked(method: str, url: str, **options: Any) -> requests.Response:
        return request(method, url, **{"timeout": SECONDS, **options, "allow_redirects": False})

    return asked


def call(provider: Provider, function: Callable[[], T]) -> T:
    """What the function says; whatever goes wrong on the way becomes OpenIdFailed."""
    if not _turns.acquire(timeout=SECONDS):
        raise _away(provider, "busy")
    try:
        return function()
    except AuthlibBaseError as error:  # an answer, and it was no
        log_event(logger, "openid_refused", level=logging.WARNING, reason=str(error.error)[:100])
        raise OpenIdFailed(
            "refused",
            _("{name} did not accept this login. Begin again, or log in with a password.").format(name=provider.name),
        ) from error
    except (requests.RequestException, ValueError, TypeError, AttributeError) as error:
        raise _away(provider, type(error).__name__) from error
    finally:
        _turns.release()


def _fetch(provider: Provider, address: str) -> Answered:
    def fetch() -> Answered:
        with requests.Session() as session:
            response = ask(session)("GET", address, headers={"Accept": "application/json"})
        if response.status_code != requests.codes.ok:
            raise ValueError(response.status_code)
        answered = response.json()
        if not isinstance(answered, dict):
            raise TypeError(type(answered))
        return answered

    return call(provider, fetch)


def _check(provider: Provider, metadata: Answered) -> None:
    addresses = [metadata.get(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
    others = [metadata[name] for name in ("userinfo_endpoint", "end_session_endpoint") if metadata.get(name)]
    if metadata.get("issuer") != provider.issuer or not all(map(is_safe_address, [*addresses, *others])):
        log_event(logger, "openid_misconfigured", level=logging.ERROR, issuer=str(metadata.get("issuer"))[:200])
        raise OpenIdFailed(
            "misconfigured",
            _("{name} is not set up as this site expects. Log in with a password, or tell an administrator.").format(
                name=provider.name
            ),
        )


def _away(provider: Provider, reason: str) -> OpenIdFailed:
    log_event(logger, "openid_away", level=logging.WARNING, reason=reason)
    return OpenIdFailed(
        "away",
        _("{name} does not answer. Try again in a few minutes, or log in with a password.").format(name=provider.name),
    )


def _key(provider: Provider, what: str) -> str:
    return f"openid:{what}:{hashlib.sha256(provider.issuer.encode()).hexdigest()}"
