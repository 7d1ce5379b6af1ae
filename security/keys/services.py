"""How keys are made and revoked. A key is never changed: its program gets a new one, and then the old one goes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from ipaddress import ip_network

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from security.actors import Actor
from security.allowing import require
from security.audit.actions import Action
from security.audit.recording import record
from security.keys.checking import forget_checked
from security.keys.scopes import Scope
from security.keys.tokens import SHOWN, digest_of, new_secret
from security.models import ApiKey
from security.numbers import grouped
from security.rights import Right

REQUESTS_PER_MINUTE = 600
MOST_REQUESTS_PER_MINUTE = 60_000


def list_keys() -> QuerySet[ApiKey]:
    """All keys, the newest first, with who made them. One query."""
    return ApiKey.objects.select_related("created_by").order_by("-pk")


def create_key(
    *,
    actor: Actor | None,
    name: str,
    scopes: Collection[Scope],
    addresses: Sequence[str] = (),
    expires_at: datetime | None = None,
    requests_per_minute: int = REQUESTS_PER_MINUTE,
) -> tuple[ApiKey, str]:
    """A new key and its secret, which nobody can read again.

    addresses: networks that it may be used from ("10.0.0.0/8", "192.0.2.7"); none: from anywhere. Raises NotAllowed,
    ValidationError.
    """
    require(actor, Right.MANAGE_SITE)
    secret = new_secret()
    prefix = secret[:SHOWN]
    key = ApiKey(
        name=clean_name(name),
        prefix=prefix,
        digest=digest_of(secret),
        scopes=clean_scopes(scopes),
        addresses=clean_addresses(addresses),
        expires_at=clean_expiry(expires_at),
        requests_per_minute=clean_limit(requests_per_minute),
        created_by=actor,  # type: ignore[misc]
    )
    account = User(username=str(key), is_active=False)
    account.set_unusable_password()
    with transaction.atomic():
        account.save(force_insert=True)
        key.account = account
        key.full_clean(exclude={"account", "created_by", "addresses", "scopes", "last_used_at", "revoked_at"})
        key.save(force_insert=True)
        facts = {"scopes": key.scopes, "addresses": key.addresses, "requests_per_minute": key.requests_per_minute}
        expires = key.expires_at.isoformat(timespec="seconds") if key.expires_at else None
        record(Action.API_KEY_CREATED, actor=actor, target=key.pk, expires_at=expires, **facts)
    return key, secret


def revoke_key(*, actor: Actor | None, key: ApiKey) -> bool:
    """Refuse the key from now on: at once in this process, within checking.FRESH_S in others. False: it was already."""
    require(actor, Right.MANAGE_SITE)
    with transaction.atomic():
        if not ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now()):
            return False
        record(Action.API_KEY_REVOKED, actor=actor, target=key.pk)
    forget_checked()
    return True


def clean_name(name: str) -> str:
    """Raises ValidationError."""
    name = " ".join(name.split())
    if not name or len(name) > 60 or not name.isprintable():
        raise ValidationError({"name": _("Name the program that will use the key, in at most 60 characters.")})
    return name


def clean_scopes(scopes: Collection[str]) -> list[str]:
    """In the order of Scope. Raises ValidationError."""
    if unknown := set(scopes) - set(Scope):
        raise ValidationError(
            {
                "scopes": _("There is no scope {scope}. There are: {scopes}.").format(
                    scope=sorted(unknown)[0], scopes=", ".join(Scope)
                )
            }
        )
    if not scopes:
        raise ValidationError({"scopes": _("Choose at least one scope: without one, the key could do nothing.")})
    return [scope.value for scope in Scope if scope in scopes]


def clean_addresses(addresses: Sequence[str]) -> list[str]:
    """Networks as ipaddress writes them. Raises ValidationError."""
    networks = []
    for text in addresses:
        try:
            networks.append(str(ip_network(text.strip())))
        except ValueError:
            sentence = _("{text} is no address or network. Write them like 192.0.2.7 or 10.20.0.0/16.").format(
                text=text.strip()[:60]
            )
            raise ValidationError({"addresses": sentence}) from None
    return networks


def clean_expiry(expires_at: datetime | None) -> datetime | None:
    """Raises ValidationError."""
    if expires_at is not None and expires_at <= timezone.now():
        raise ValidationError({"expires_at": _("The key would have expired already. Choose a later day.")})
    return expires_at


def clean_limit(requests_per_minute: int) -> int:
    """Raises ValidationError."""
    if not 1 <= requests_per_minute <= MOST_REQUESTS_PER_MINUTE:
        sentence = _("Choose a number from 1 to {most}.").format(most=grouped(MOST_REQUESTS_PER_MINUTE))
        raise ValidationError({"requests_per_minute": sentence})
    return requests_per_minute
