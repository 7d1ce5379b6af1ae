"""How an authenticator app's secret lies in the database: sealed with a data key of its own, as faces are.

Versions before this one sealed it with a key derived from SECRET_KEY. Such rows are read, and the running product seals
them anew.
"""

from __future__ import annotations

import base64
import binascii
import logging

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from security.audit.actions import Action
from security.audit.recording import record
from security.encryption.data_keys import DataKey, store_key
from security.encryption.sealing import SealedColumn
from security.events import log_event
from security.models import SecondFactor, SecondFactorKey

logger = logging.getLogger("facesite.sign_in")
_SECRETS = SealedColumn("security_secondfactor.sealed_secret", SecondFactorKey)
"""Row: the operator's primary key. In base64, for the column holds text."""
_OLDER_NONCE_BYTES = 12


class Unreadable(Exception):
    """The secret's key is gone, or what is stored was not sealed for this operator."""


def store_secret(secret: bytes, *, operator_id: int) -> SecondFactor:
    """A new, unconfirmed row with its key. Call it in a transaction. Raises SiteKeyUnusable."""
    key = DataKey()
    factor = SecondFactor(
        operator_id=operator_id, sealed_secret=_sealed(secret, key, operator_id), created_at=timezone.now()
    )
    factor.full_clean(validate_unique=False)
    factor.save(force_insert=True)
    store_key(SecondFactorKey, key, second_factor=factor)
    return factor


def secret_of(factor: SecondFactor) -> bytes:
    """Raises Unreadable, SiteKeyUnusable."""
    try:
        stored = base64.b64decode(factor.sealed_secret, validate=True)
    except binascii.Error:
        raise Unreadable from None
    if _SECRETS.is_sealed(stored) and (secret := _SECRETS.open(stored, row=factor.operator_id)) is not None:
        return bytes(secret)
    return _secret_of_older(stored, factor.operator_id)


def seal_older_secrets() -> int:
    """Give what was sealed with SECRET_KEY a key of its own. Returns how many there were. Raises SiteKeyUnusable.

    What SECRET_KEY does not open any more stays: its operator goes on with a recovery code, or is reset.
    """
    number = 0
    if not SecondFactor.objects.filter(key=None).exists():
        return number
    with transaction.atomic():
        for factor in SecondFactor.objects.select_for_update().filter(key=None).order_by("pk"):
            try:
                secret = secret_of(factor)
            except Unreadable:
                continue
            key = DataKey()
            store_key(SecondFactorKey, key, second_factor=factor)
            factor.sealed_secret = _sealed(secret, key, factor.operator_id)
            factor.save(update_fields=["sealed_secret"])
            number += 1
        if number:
            record(Action.SECOND_FACTORS_SEALED, actor=None, values=number)
    if number:
        log_event(logger, "second_factors_sealed", values=number)
    return number


def _sealed(secret: bytes, key: DataKey, operator_id: int) -> str:
    return base64.b64encode(_SECRETS.seal(secret, key, row=operator_id)).decode()


def _secret_of_older(stored: bytes, operator_id: int) -> bytes:
    """Keys that SECRET_KEY_FALLBACKS keeps open it too."""
    nonce, body = stored[:_OLDER_NONCE_BYTES], stored[_OLDER_NONCE_BYTES:]
    for secret_key in (settings.SECRET_KEY, *map(str, settings.SECRET_KEY_FALLBACKS)):
        derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"facesite second factor 1")
        try:
            cipher = AESGCM(derive.derive(secret_key.encode()))
            return cipher.decrypt(nonce, body, f"second_factor:{operator_id}".encode())
        except (InvalidTag, ValueError):
            continue
    raise Unreadable
