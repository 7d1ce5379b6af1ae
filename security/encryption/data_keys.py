"""Data keys: one for each person, picture or face that can be erased by itself, wrapped with the site key.

Wrapped: nonce (12 bytes), then AES-256-GCM of the key with its tag (32 + 16); associated data: table and id.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from security.encryption.site_keys import SiteKey, site_key, wrapping_key
from security.models import WrappedKey, random_key_id
from security.statements import insert_rows

NONCE_BYTES = 12

Model = type[WrappedKey]


@dataclass(frozen=True, slots=True)
class DataKey:
    """A key that can be used. It lives as long as the work that it is for."""

    secret: bytes = field(default_factory=lambda: os.urandom(32), repr=False)
    id: int = field(default_factory=random_key_id)


def store_key(model: Model, key: DataKey, **owner: Any) -> None:
    """Keep a new key for its owner (a field of `model`), in the transaction that seals something with it."""
    store_keys(model, [key], [owner])


def store_keys(model: Model, keys: Sequence[DataKey], owners: Sequence[Mapping[str, Any]]) -> None:
    """store_key() for several owners."""
    site = wrapping_key()
    insert_rows(
        [
            model(id=key.id, wrapped=wrap(model, key, site), site_key=site.fingerprint, **owner)
            for key, owner in zip(keys, owners, strict=True)
        ]
    )


def key_for(model: Model, **owner: Any) -> DataKey:
    """The owner's key; a new one where there is none. Call it in a transaction that holds the owner's row."""
    row = model._default_manager.filter(**owner).first()
    if row is not None:
        return unwrap(model, row.pk, bytes(row.wrapped), site_key(row.site_key))
    key = DataKey()
    store_key(model, key, **owner)
    return key


def keys_by_id(model: Model, ids: Collection[int]) -> dict[int, DataKey]:
    """Those of these keys that still exist. One query; none for no ids. Raises SiteKeyUnusable."""
    if not ids:
        return {}
    rows = model._default_manager.filter(pk__in=ids).order_by()
    return unwrap_all(model, rows.values_list("pk", "wrapped", "site_key"))


def unwrap_all(model: Model, rows: Iterable[tuple[int, bytes | memoryview, str]]) -> dict[int, DataKey]:
    """rows: id, wrapped key, the site key's fingerprint."""
    ciphers: dict[str, AESGCM] = {}
    keys: dict[int, DataKey] = {}
    for id_, wrapped, fingerprint in rows:
        cipher = ciphers.get(fingerprint)
        if cipher is None:
            cipher = ciphers[fingerprint] = AESGCM(site_key(fingerprint).secret)
        keys[id_] = _unwrapped(model, id_, bytes(wrapped), cipher)
    return keys


def wrap(model: Model, key: DataKey, site: SiteKey) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(site.secret).encrypt(nonce, key.secret, _context(model, key.id))


def unwrap(model: Model, id_: int, wrapped: bytes, site: SiteKey) -> DataKey:
    """Raises ValueError for a row that was tampered with."""
    return _unwrapped(model, id_, wrapped, AESGCM(site.secret))


def _unwrapped(model: Model, id_: int, wrapped: bytes, cipher: AESGCM) -> DataKey:
    try:
        secret = cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], _context(model, id_))
    except InvalidTag:
        raise ValueError(f"Key {id_} of {model._meta.db_table} was changed: put back a backup.") from None
    return DataKey(secret, id_)


def _context(model: Model, id_: int) -> bytes:
    return f"{model._meta.db_table}|{id_}".encode()
