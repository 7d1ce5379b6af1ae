"""What proves a device: a code that a person copies once, and the token that the device keeps from then on."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Final

from security.keys.tokens import digest_of
from security.sign_in.limits import digest_of as keyed_digest_of

CODE_LETTERS: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""32 of them, none of which is taken for another: a code of CODE_LENGTH has 40 bits."""
CODE_LENGTH: Final = 8
CODE_LASTS: Final = timedelta(minutes=15)
TOKEN_BYTES: Final = 32
MOST_CHARACTERS: Final = 100


def new_code() -> str:
    """Two groups of four letters and digits: "K7QF-2M9X"."""
    letters = "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))
    return f"{letters[:4]}-{letters[4:]}"


def code_digest_of(code: str) -> str:
    """However it was typed. 40 bits are few for whoever reads the database, so the digest needs the site's key."""
    typed = "".join(letter for letter in code.upper() if letter.isalnum())
    return keyed_digest_of("kiosk code", typed)


def new_token() -> str:
    """256 random bits in URL-safe base64."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def token_digest_of(token: str) -> str:
    """As of an API key's secret, which has as many random bits."""
    return digest_of(token[:MOST_CHARACTERS])


def camera_digest_of(device: str, label: str) -> str:
    """What a camera is known by: the browser's own id of it, which holds for this site alone, and its name."""
    return hashlib.sha256(f"{device}\0{label}".encode()).hexdigest()
