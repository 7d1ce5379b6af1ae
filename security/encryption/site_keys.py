"""The site key, which wraps every data key. It is in the environment or in a file, never in the database.

Both take several keys, the present one first: while a rotation runs, the others still open what they wrapped.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, transaction

from security.audit.actions import Action
from security.audit.recording import record
from security.models import EncryptionState
from security.remembering import Remembered

KEY_BYTES = 32
SETTLED_S = 2.0


class SiteKeyUnusable(ImproperlyConfigured):
    """The site key is missing, malformed or another site's. str() is a sentence for the operator."""


@dataclass(frozen=True)
class SiteKey:
    secret: bytes = field(repr=False)

    @cached_property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that name the key. Of 256 random bits a hash gives nothing away."""
        return hashlib.sha256(b"facesite site key\n" + self.secret).hexdigest()[:16]

    @property
    def text(self) -> str:
        return base64.b64encode(self.secret).decode()


def new_site_key() -> SiteKey:
    return SiteKey(AESGCM.generate_key(8 * KEY_BYTES))


@lru_cache(maxsize=8)  # asked at every decision
def parse_site_keys(text: str, name: str = "FACESITE_DATA_KEY") -> tuple[SiteKey, ...]:
    """Keys in base64, with commas or white space between them. Raises SiteKeyUnusable."""
    keys = []
    for word in re.split(r"[\s,]+", text.strip()):
        try:
            secret = base64.b64decode(word, validate=True) if word else b""
        except binascii.Error:
            secret = b"?"
        if word and len(secret) != KEY_BYTES:
            raise SiteKeyUnusable(
                f"{name} must hold {KEY_BYTES} bytes in base64 (`openssl rand -base64 32` makes them)."
            )
        if word:
            keys.append(SiteKey(secret))
    return tuple(keys)


def key_file() -> Path | None:
    """Where the site key is kept and made; None: the environment holds the key itself."""
    return None if settings.FACESITE_DATA_KEY else _path(settings.FACESITE_DATA_KEY_FILE)


_path = lru_cache(maxsize=2)(Path)  # asked at every decision


def read_site_keys() -> tuple[SiteKey, ...]:
    """All site keys at hand, the present one first; empty when there is none. Raises SiteKeyUnusable.

    The file is looked at each time, so that a running process notices a rotation, and read where it is another one.
    """
    path = key_file()
    if path is None:
        return parse_site_keys(settings.FACESITE_DATA_KEY)
    try:
        return _keys_in(path)
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise SiteKeyUnusable(f"The site key in {path} cannot be read: {reason}.") from error


def _keys_in(path: Path) -> tuple[SiteKey, ...]:
    """A file that was written just now is read each time: it could change again within one tick of its time stamp."""
    file = path.stat()
    if time.time() - file.st_mtime < SETTLED_S:
        return parse_site_keys(path.read_text(), str(path))
    return _settled_keys_in(path, file.st_ino, file.st_mtime_ns, file.st_size)


@lru_cache(maxsize=2)
def _settled_keys_in(path: Path, *as_it_is: int) -> tuple[SiteKey, ...]:
    """as_it_is: what tells this content of the file from another."""
    return parse_site_keys(path.read_text(), str(path))


def site_key(fingerprint: str) -> SiteKey:
    """The key of this fingerprint. Raises SiteKeyUnusable."""
    keys = {key.fingerprint: key for key in read_site_keys()}
    if fingerprint not in keys:
        raise SiteKeyUnusable(_what_is_wrong(fingerprint, list(keys)))
    return keys[fingerprint]


def current_site_key() -> SiteKey:
    """The key that new data keys are wrapped with. A new database takes the key at hand, or a new one as its own.

    Raises SiteKeyUnusable when the key that this database belongs to is not at hand.
    """
    keys = read_site_keys()
    state = EncryptionState.objects.filter(pk=EncryptionState.SINGLETON_PK).first()
    if state is None:
        keys = keys or (_make_key_file(),)
        state = _adopt(keys[0])
    if state.site_key not in [key.fingerprint for key in keys]:
        raise SiteKeyUnusable(_what_is_wrong(state.site_key, [key.fingerprint for key in keys]))
    return keys[0]


def wrapping_key() -> SiteKey:
    """As current_site_key(), for what is stored at every decision: the database is not asked each time.

    The key at hand is looked at each time, so that nothing is wrapped with an older one once a rotation has begun.
    """
    known = _known.value
    return known if known and read_site_keys()[:1] == (known,) else _known.keep(current_site_key())


_known: Remembered[SiteKey] = Remembered(2.0)
"""The present key, which is this database's."""


def site_key_problem() -> str:
    """Why this database's faces cannot be read, as a sentence; empty when they can be. Makes no key."""
    try:
        state = EncryptionState.objects.filter(pk=EncryptionState.SINGLETON_PK).first()
        if state is not None:
            site_key(state.site_key)
    except SiteKeyUnusable as error:
        return str(error)
    except DatabaseError:  # no table yet
        return ""
    return ""


def write_site_keys(path: Path, keys: Sequence[SiteKey]) -> None:
    """Replace the file as a whole, readable by its owner only. Raises SiteKeyUnusable."""
    beside = path.with_name(f"{path.name}.new")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            stream.write("".join(f"{key.text}\n" for key in keys))
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(path)
    except OSError as error:
        raise SiteKeyUnusable(
            f"The site key cannot be written to {path} ({error.strerror}). Make that folder writable, or put a key "
            "into FACESITE_DATA_KEY (`openssl rand -base64 32` makes one)."
        ) from error


def _make_key_file() -> SiteKey:
    path = key_file()
    if path is None:
        raise SiteKeyUnusable("FACESITE_DATA_KEY holds no key.")
    key = new_site_key()
    own = path.with_name(f"{path.name}.{os.getpid()}")
    write_site_keys(own, [key])
    try:
        os.link(own, path)  # of two processes that begin at once, one makes the key
    except FileExistsError:
        return read_site_keys()[0]
    except OSError as error:
        raise SiteKeyUnusable(f"The site key cannot be written to {path} ({error.strerror}).") from error
    finally:
        own.unlink()
    return key


def _adopt(key: SiteKey) -> EncryptionState:
    with transaction.atomic():
        state, made = EncryptionState.objects.get_or_create(
            pk=EncryptionState.SINGLETON_PK, defaults={"site_key": key.fingerprint}
        )
        if made:
            record(Action.SITE_KEY_ADOPTED, actor=None, target=key.fingerprint)
    return state


def _what_is_wrong(wanted: str, at_hand: Sequence[str]) -> str:
    place = key_file() or "FACESITE_DATA_KEY"
    if not at_hand:
        return (
            f"The site key is missing: the faces in this database are encrypted with the key {wanted}. Put that key "
            f"back into {place}; without it no face can be read."
        )
    return (
        f"The site key in {place} is the wrong one: it is {at_hand[0]}, but the faces in this database are encrypted "
        f"with the key {wanted}. Put that one back; docs/security.md says how a new key takes its place."
    )
