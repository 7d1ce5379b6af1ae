"""Is this secret one of the site's keys, and may it be used now, from there, for that?

A key that was found is remembered for FRESH_S, so that a program which sends many requests costs one query in all that
time. Whoever asks needs no database thread then.
"""

from __future__ import annotations

import hmac
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import ClassVar

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Q
from django.utils import timezone

from security.keys.scopes import RIGHTS_OF_SCOPE, Scope
from security.keys.tokens import digest_of, looks_like_secret
from security.models import ApiKey, KeyActor

FRESH_S = 2.0
"""How long a process may go on with a key that another process has revoked."""
USE_NOTED_EVERY = timedelta(minutes=1)
_checked: dict[str, tuple[CheckedKey, float]] = {}
"""Digest -> the key and when it was read (time.monotonic()). Only keys that exist, so it cannot be filled up."""


class KeyRefused(Exception):
    """str() is a sentence for whoever wrote the program."""

    code: ClassVar[str] = "key_invalid"
    sentence: ClassVar[str] = "There is no such API key. Check that all of it was copied."

    def __init__(self) -> None:
        super().__init__(self.sentence)


class KeyMissing(KeyRefused):
    code = "key_missing"
    sentence = "Send an API key: Authorization: Bearer fsk_..."


class KeyExpired(KeyRefused):
    code = "key_expired"
    sentence = "This API key has expired. An administrator can make another one under Site, API keys."


class KeyRevoked(KeyRefused):
    code = "key_revoked"
    sentence = "This API key was revoked. An administrator can make another one under Site, API keys."


class AddressNotAllowed(KeyRefused):
    code = "address_not_allowed"
    sentence = "This API key may not be used from this address."


class ScopeMissing(KeyRefused):
    code = "scope_missing"
    sentence = "This API key is not meant for this."

    def __init__(self, scopes: tuple[Scope, ...]) -> None:
        super().__init__()
        self.args = (f"This API key lacks the scope {' or '.join(scopes)}.",)


@dataclass(frozen=True, slots=True)
class CheckedKey:
    """A key as it was read a moment ago."""

    pk: int
    label: str
    digest: str
    account_id: int
    scopes: frozenset[str]
    networks: tuple[IPv4Network | IPv6Network, ...]
    requests_per_minute: int
    expires_at: datetime | None
    revoked: bool
    last_used_at: datetime | None

    def actor(self, scope: Scope | None) -> KeyActor:
        """Who the services are told asks for it: with the rights of this one scope. None: with no right."""
        return _actor(self.account_id, self.label, self.pk, scope)

    def require_current(self) -> None:
        """Raises KeyRevoked, KeyExpired."""
        if self.revoked:
            raise KeyRevoked
        if self.expires_at is not None and self.expires_at <= timezone.now():
            raise KeyExpired

    def require_usable(self, address: str) -> None:
        """address: the client's; empty for a Unix socket. Raises KeyRevoked, KeyExpired, AddressNotAllowed."""
        self.require_current()
        if self.networks and not _is_inside(address, self.networks):
            raise AddressNotAllowed

    def require_scope(self, *scopes: Scope) -> Scope | None:
        """The first of the scopes that the key has; each is enough. None, if none is asked for. Raises ScopeMissing."""
        if not scopes:
            return None
        for scope in scopes:
            if scope in self.scopes:
                return scope
        raise ScopeMissing(scopes)


def fresh_key(secret: str) -> CheckedKey | None:
    """The key, if it was read within FRESH_S; never touches the database."""
    digest = digest_of(secret)
    known = _checked.get(digest)
    if known and time.monotonic() - known[1] < FRESH_S and hmac.compare_digest(known[0].digest, digest):
        return known[0]
    return None


def find_key(secret: str) -> CheckedKey:
    """The key of this secret, usable or not. One query: call it in a database thread. Raises KeyRefused, KeyMissing."""
    if not secret:
        raise KeyMissing
    if not looks_like_secret(secret):
        raise KeyRefused
    known = fresh_key(secret)
    if known:
        return known
    digest = digest_of(secret)
    row = ApiKey.objects.filter(digest=digest).first()
    if row is None or not hmac.compare_digest(row.digest, digest):
        _checked.pop(digest, None)
        raise KeyRefused
    found = checked_key(row)
    _checked[digest] = found, time.monotonic()
    return found


def checked_key(row: ApiKey) -> CheckedKey:
    """What a row says now."""
    return CheckedKey(
        pk=row.pk,
        label=str(row),
        digest=row.digest,
        account_id=row.account_id,
        scopes=frozenset(row.scopes),
        networks=tuple(ip_network(text) for text in row.addresses),
        requests_per_minute=row.requests_per_minute,
        expires_at=row.expires_at,
        revoked=row.revoked_at is not None,
        last_used_at=row.last_used_at,
    )


def note_use(key: CheckedKey) -> None:
    """Write down that the key was used, at most once a minute. Call it in a database thread."""
    now = timezone.now()
    if key.last_used_at is not None and now - key.last_used_at < USE_NOTED_EVERY:
        return
    long_ago = Q(last_used_at=None) | Q(last_used_at__lte=now - USE_NOTED_EVERY)
    ApiKey.objects.filter(long_ago, pk=key.pk).update(last_used_at=now)
    _checked.pop(key.digest, None)


def forget_checked() -> None:
    """The next check of every key reads the database."""
    _checked.clear()


@lru_cache(maxsize=1024)  # a Django model takes 25 us to make
def _actor(account_id: int, label: str, key_id: int, scope: Scope | None) -> KeyActor:
    """The same object for every call with this key: nobody writes to it."""
    actor = KeyActor(pk=account_id, username=label, is_active=False)
    actor._state.adding, actor._state.db = False, DEFAULT_DB_ALIAS
    actor.key_id = key_id
    actor.rights = RIGHTS_OF_SCOPE[scope] if scope else frozenset()
    return actor


def _is_inside(address: str, networks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    try:
        client = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(client, "ipv4_mapped", None)
    return any((mapped or client) in network or client in network for network in networks)
