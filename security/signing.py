"""The site's signature: an Ed25519 key (RFC 8032) that says "this comes from this site, and nobody changed it"."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from security.audit.signing import site_key


def canonical(statement: Mapping[str, Any]) -> bytes:
    """The bytes of a JSON object that are signed: keys sorted, no spaces, ASCII."""
    return json.dumps(statement, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def sign(statement: Mapping[str, Any]) -> str:
    """The signature of the statement's canonical bytes, in base64."""
    return base64.b64encode(_private_key().sign(canonical(statement))).decode()


def site_public_key() -> str:
    """The 32 bytes that verify this site's signatures, in base64."""
    return base64.b64encode(_private_key().public_key().public_bytes_raw()).decode()


def is_signed_by(public_key: str, statement: Mapping[str, Any], signature: str) -> bool:
    """Whether the holder of that key (base64) signed exactly this statement. False for what is no key or signature."""
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key, validate=True))
        key.verify(base64.b64decode(signature, validate=True), canonical(statement))
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True


def _private_key() -> Ed25519PrivateKey:
    """The key that seals the audit trail. Raises AuditKeyUnusable."""
    return Ed25519PrivateKey.from_private_bytes(site_key().raw)
