"""What a key's secret looks like, and what is kept of it."""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

BEGINNING: Final = "fsk_"
"""So that scanners find a secret in a repository or a log."""
RANDOM_BYTES: Final = 32
SHOWN: Final = 10
"""Characters of the secret by which pages name a key; some 220 of its bits stay unknown."""
MOST_CHARACTERS: Final = 100


def new_secret() -> str:
    """ "fsk_" and 256 random bits in URL-safe base64."""
    return BEGINNING + secrets.token_urlsafe(RANDOM_BYTES)


def digest_of(secret: str) -> str:
    """SHA-256 in hexadecimal digits. Against 256 random bits no list of guesses helps, so it needs no salt."""
    return hashlib.sha256(secret.encode()).hexdigest()


def looks_like_secret(text: str) -> bool:
    """Whether asking the database about it can lead to anything."""
    return text.startswith(BEGINNING) and len(text) <= MOST_CHARACTERS and text.isascii()
