"""Who asks, by the key in the request's header. Sessions of pages count for nothing here."""

from __future__ import annotations

from typing import Any, cast

from django.http import HttpRequest
from django.utils import timezone
from ninja.security.base import AuthBase

from api.limits import key_limits
from enrollment.runtime.database import run_in_database_thread
from security.addresses import client_address
from security.keys.checking import USE_NOTED_EVERY, CheckedKey, KeyRefused, find_key, fresh_key, note_use
from security.keys.scopes import Scope
from security.models import KeyActor

API_KEY_HEADER = "x-api-key"
"""In which CompreFace's clients send theirs."""


class Bearer(AuthBase):
    """ninja asks it before a body is parsed. Each of the scopes is enough; without scopes any key is."""

    openapi_type = "http"
    openapi_scheme = "bearer"
    openapi_description = "An API key: fsk_..."

    def __init__(self, *scopes: Scope) -> None:
        self.scopes = scopes
        super().__init__()
        self.is_async = True

    async def __call__(self, request: HttpRequest) -> Any:
        await authorise(request, secret_of(request), self.scopes)
        return True


async def authorise(request: HttpRequest, secret: str, scopes: tuple[Scope, ...]) -> None:
    """Put the key and its actor on the request. Raises KeyRefused, Problem (429)."""
    key = fresh_key(secret)
    if key is None:
        key = await run_in_database_thread(find_key, secret)
    request.api_key = key  # type: ignore[attr-defined]  # for the log, also where it is refused
    key.require_usable(client_address(request.META))
    scope = key.require_scope(*scopes)
    await key_limits.take(key)
    if key.last_used_at is None or timezone.now() - key.last_used_at >= USE_NOTED_EVERY:
        await run_in_database_thread(note_use, key)
    request.api_actor = key.actor(scope)  # type: ignore[attr-defined]


def secret_of(request: HttpRequest) -> str:
    """Of `Authorization: Bearer ...`; empty where there is none."""
    return _bearer_of(request.META.get("HTTP_AUTHORIZATION", "")) or ""


def _bearer_of(authorization: str) -> str | None:
    """What the header says; None: it is not there, or of another scheme."""
    scheme, _, secret = authorization.partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else None


def actor_of(request: HttpRequest) -> KeyActor:
    """Who the services are told asks for it; every call here requires a key."""
    return cast(KeyActor, request.api_actor)  # type: ignore[attr-defined]


def key_of(request: HttpRequest) -> CheckedKey:
    return cast(CheckedKey, request.api_key)  # type: ignore[attr-defined]


def may_send_pictures(headers: dict[str, str]) -> bool:
    """By a request's headers (lower-case names), before its body is read: is there a key that counts now?

    Call it in a database thread. The address is asked for with the scope, when the request is answered.
    """
    secret = _bearer_of(headers.get("authorization", ""))
    try:
        find_key(headers.get(API_KEY_HEADER, "") if secret is None else secret).require_current()
    except KeyRefused:
        return False
    return True


def has_key_for(request: HttpRequest, scope: Scope) -> bool:
    """Whether a request outside the API comes with a key of this scope. Blocking: it may ask the database."""
    try:
        key = find_key(secret_of(request))
        key.require_usable(client_address(request.META))
        key.require_scope(scope)
    except KeyRefused:
        return False
    note_use(key)
    return True
