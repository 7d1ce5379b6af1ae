"""The site's key for the audit trail (Ed25519, RFC 8032): whoever has only the database cannot sign.

It comes from FACESITE_AUDIT_KEY, else from the file FACESITE_AUDIT_KEY_FILE, which is made when a signature is needed
first. Both hold the 32 bytes of the private key in base64.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import logging
import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from security.audit.chain import Seal, time_text
from security.events import log_event

logger = logging.getLogger("facesite.audit")
KEY_BYTES = 32


class AuditKeyUnusable(Exception):
    """There is no key to sign or to check with. str() is a sentence for the operator."""


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """A public key."""

    raw: bytes

    @classmethod
    def from_text(cls, text: str) -> VerifyingKey:
        """From base64, as `public_text` is. Raises AuditKeyUnusable."""
        return cls(decode_key(text, _("A public key")))

    @property
    def key_id(self) -> str:
        """The beginning of the key's SHA-256."""
        return hashlib.sha256(self.raw).hexdigest()[:16]

    @property
    def public_text(self) -> str:
        return base64.b64encode(self.raw).decode()

    def accepts(self, message: bytes, signature: str) -> bool:
        """Whether the signature (base64) is this key's for the message."""
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(base64.b64decode(signature, validate=True), message)
        except (InvalidSignature, binascii.Error, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key."""

    raw: bytes

    @property
    def public(self) -> VerifyingKey:
        return VerifyingKey(Ed25519PrivateKey.from_private_bytes(self.raw).public_key().public_bytes_raw())

    def sign(self, message: bytes) -> str:
        """In base64."""
        return base64.b64encode(Ed25519PrivateKey.from_private_bytes(self.raw).sign(message)).decode()

    def seal(self, kind: str, number: int, row_hash: str) -> Seal:
        """Sign that the chain has this row, now."""
        seal = Seal(kind, number, row_hash, time_text(timezone.now()), self.public.key_id)
        return replace(seal, signature=self.sign(seal.message()))


def site_key() -> SigningKey:
    """The site's key; a new one in the key file where there is none yet. Raises AuditKeyUnusable."""
    return SigningKey(_stored_key() or _make_key(_path()))


def known_public_key() -> VerifyingKey | None:
    """The site's public key; None: nothing was signed here yet. Makes no key. Raises AuditKeyUnusable."""
    raw = _stored_key()
    return SigningKey(raw).public if raw else None


def decode_key(text: str, what: str) -> bytes:
    """32 bytes from base64. Raises AuditKeyUnusable, which begins with `what`."""
    try:
        raw = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != KEY_BYTES:
        raise AuditKeyUnusable(_("{what} must be 32 bytes in base64 (44 characters).").format(what=what))
    return raw


def _path() -> Path:
    return Path(settings.FACESITE_AUDIT_KEY_FILE)


def _stored_key() -> bytes | None:
    if settings.FACESITE_AUDIT_KEY:
        return decode_key(settings.FACESITE_AUDIT_KEY, "FACESITE_AUDIT_KEY")
    path = _path()
    try:
        return decode_key(path.read_text(), _("The audit key in {path}").format(path=path))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise AuditKeyUnusable(
            _("The audit key in {path} cannot be read: {error}.").format(path=path, error=error)
        ) from None


def _make_key(path: Path) -> bytes:
    """Write a new key as a whole file, for its owner alone. If another process was quicker, its key is taken."""
    raw = Ed25519PrivateKey.generate().private_bytes_raw()
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # readable by its owner only
        temporary = Path(name)
        try:
            with os.fdopen(handle, "w") as stream:
                stream.write(base64.b64encode(raw).decode() + "\n")
                stream.flush()
                os.fsync(stream.fileno())
            try:
                os.link(temporary, path)
            except FileExistsError:
                return _stored_key() or raw
        finally:
            temporary.unlink()
    except OSError as error:
        raise AuditKeyUnusable(
            _(
                "The audit trail cannot be signed: {path} cannot be written ({error}). Set FACESITE_AUDIT_KEY_FILE to "
                "a file in a folder that the product may write to."
            ).format(path=path, error=error.strerror)
        ) from None
    log_event(logger, "audit_key_made", key=SigningKey(raw).public.key_id)
    return raw
