"""How an authenticator app's secret lies in the database: sealed with a key that is not in the database."""

from __future__ import annotations

import base64
import binascii
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_NONCE_BYTES = 12


class Unreadable(Exception):
    """The sealed text was not sealed for this row with this site's SECRET_KEY."""


def seal(secret: bytes, *, row: str) -> str:
    """AES-256-GCM under a key derived from SECRET_KEY, bound to `row` so that no other row can use it."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return base64.b64encode(nonce + _cipher(settings.SECRET_KEY).encrypt(nonce, secret, row.encode())).decode()


def unseal(sealed: str, *, row: str) -> bytes:
    """What was sealed for this row. Keys that SECRET_KEY_FALLBACKS keeps open it too. Raises Unreadable."""
    try:
        data = base64.b64decode(sealed, validate=True)
    except binascii.Error:
        raise Unreadable from None
    for key in (settings.SECRET_KEY, *map(str, settings.SECRET_KEY_FALLBACKS)):
        try:
            return _cipher(key).decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], row.encode())
        except (InvalidTag, ValueError):
            continue
    raise Unreadable


def _cipher(secret_key: str) -> AESGCM:
    derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"facesite second factor 1")
    return AESGCM(derive.derive(secret_key.encode()))
