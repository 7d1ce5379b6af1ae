"""Password hashing that leaves the processor to the live page."""

from __future__ import annotations

import os
from threading import BoundedSemaphore

from django.contrib.auth.hashers import PBKDF2PasswordHasher

AT_ONCE = max(1, (os.cpu_count() or 1) // 4)
"""Hashes computed at the same time in this process; further sign-ins wait. Each takes a core for some 0.2 s."""


class PatientPBKDF2Hasher(PBKDF2PasswordHasher):
    """Django's PBKDF2, a few at a time: 32 sign-ins in parallel took a live frame from 4.7 to 61 ms."""

    _turns = BoundedSemaphore(AT_ONCE)

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        """See PBKDF2PasswordHasher. Waits for its turn."""
        with self._turns:
            return super().encode(password, salt, iterations)
