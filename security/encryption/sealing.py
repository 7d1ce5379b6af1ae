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
        return {_HEAD.unpack_from(stored)[1] for stored in values if self.is_sealed(stored)}

    def open_all(self, rows: Iterable[Row], keys: Mapping[int, DataKey] | None = None) -> list[Stored | None]:
        """The plain values, in their order; None where the key was erased or the value is not what was written there.

        keys: by id; None: they are read, in one query. Values in plain come back as they are.
        """
        rows = list(rows)
        if keys is None:
            keys = keys_by_id(self.keys, self.key_ids(stored for stored, *_ in rows))
        ciphers: dict[int, AESGCM] = {}
        return [self._open(row, keys, ciphers) for row in rows]

    def open(self, stored: Stored, *, row: object, contract: str = "") -> Stored | None:
        """One value, as open_all() gives it."""
        return self.open_all([(stored, row, contract)])[0]

    def _open(self, row: Row, keys: Mapping[int, DataKey], ciphers: dict[int, AESGCM]) -> Stored | None:
        stored, id_, contract = row
        if not self.is_sealed(stored):
            return stored
        key_id = _HEAD.unpack_from(stored)[1]
        cipher = ciphers.get(key_id)
        if cipher is None:
            if key_id not in keys:
                return None
            cipher = ciphers[key_id] = AESGCM(keys[key_id].secret)
        try:
            return cipher.decrypt(stored[_HEAD.size : _BODY], stored[_BODY:], self._context(id_, contract))
        except InvalidTag:
            return None

    def _context(self, row: object, contract: str) -> bytes:
        return f"{self.name}|{row}|{contract}".encode()
