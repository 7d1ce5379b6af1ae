"""What encrypted columns hold, and how it is opened again.

A sealed value: one byte 1 (the format), the key's id (8 bytes, big-endian), a nonce (12), then AES-256-GCM of the plain
value with its tag (16): 37 bytes more than in plain. Associated data: "table.column|row|contract", so that a value
opens only where it was written. Nonces are random: NIST SP 800-38D allows 2^32 of them for one key.

What older versions wrote is in plain and tells itself apart: pictures begin with another byte, and vectors of float32
have a length that 4 divides.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from security.encryption.data_keys import NONCE_BYTES, DataKey, Model, keys_by_id

FORMAT = 1
_HEAD = struct.Struct(">BQ")
_BODY = _HEAD.size + NONCE_BYTES
OVERHEAD = _BODY + 16
"""Bytes that a sealed value has more."""

Stored = bytes | memoryview
"""What a binary column gives back."""
Row = tuple[Stored, object, str]
"""A stored value, its row's id and its contract_id (empty for pictures)."""


@dataclass(frozen=True, slots=True)
class SealedColumn:
    name: str
    """table.column"""
    keys: Model
    """Where its keys are."""
    vectors: bool = False
    """float32 values instead of a picture."""

    def seal(self, plain: bytes, key: DataKey, *, row: object, contract: str = "") -> bytes:
        """row: an id that the row has before it is written and keeps for ever."""
        nonce = os.urandom(NONCE_BYTES)
        body = AESGCM(key.secret).encrypt(nonce, plain, self._context(row, contract))
        return _HEAD.pack(FORMAT, key.id) + nonce + body

    def is_sealed(self, stored: Stored) -> bool:
        return len(stored) >= OVERHEAD and stored[0] == FORMAT and not (self.vectors and len(stored) % 4 == 0)

    def key_ids(self, values: Iterable[Stored]) -> set[int]:
        """Which keys these values need."""
        return {key for value in values if (key := self._key_id(value)) is not None}

    def open_all(self, rows: Iterable[Row], keys: Mapping[int, DataKey] | None = None) -> list[Stored | None]:
        """The plain values, in their order; None where the key was erased or the value is not what was written there.

        keys: by id; None: one query reads them, or none when nothing is sealed. Values in plain come back as they are.
        """
        rows = list(rows)
        ids = [self._key_id(row[0]) for row in rows]
        if keys is None:
            keys = keys_by_id(self.keys, {key for key in ids if key is not None})
        ciphers = {key: AESGCM(data_key.secret) for key, data_key in keys.items()}
        plain: list[Stored | None] = []
        head, name = _HEAD.size, self.name
        # Written out, for a start opens 100,000 of them.
        for (stored, row, contract), key in zip(rows, ids, strict=True):
            if key is None:
                plain.append(stored)
                continue
            try:
                place = f"{name}|{row}|{contract}".encode()
                plain.append(ciphers[key].decrypt(stored[head:_BODY], stored[_BODY:], place))
            except (KeyError, InvalidTag):
                plain.append(None)
        return plain

    def open(self, stored: Stored, *, row: object, contract: str = "") -> Stored | None:
        """One value, as open_all() gives it."""
        return self.open_all([(stored, row, contract)])[0]

    def _key_id(self, stored: Stored) -> int | None:
        """None: the value is in plain."""
        key: int | None = _HEAD.unpack_from(stored)[1] if self.is_sealed(stored) else None
        return key

    def _context(self, row: object, contract: str) -> bytes:
        return f"{self.name}|{row}|{contract}".encode()
