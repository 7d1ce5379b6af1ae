"""The site's signature under a statement: "this comes from this site, and nobody changed it".

The key is the one that seals the audit trail (Ed25519, RFC 8032).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from security.audit.chain import canonical
from security.audit.signing import AuditKeyUnusable, VerifyingKey, site_key


def sign(statement: Mapping[str, Any]) -> str:
    """The signature of the statement's canonical bytes, in base64. Raises AuditKeyUnusable."""
    return site_key().sign(canonical(statement))


def site_public_key() -> str:
    """The 32 bytes that verify this site's signatures, in base64. Raises AuditKeyUnusable."""
    return site_key().public.public_text


def is_signed_by(public_key: str, statement: Mapping[str, Any], signature: str) -> bool:
    """Whether the holder of that key (base64) signed exactly this statement. False for what is no key or signature."""
    try:
        return VerifyingKey.from_text(public_key).accepts(canonical(statement), signature)
    except (AuditKeyUnusable, ValueError):  # ValueError: a statement with numbers that JSON does not know
        return False
