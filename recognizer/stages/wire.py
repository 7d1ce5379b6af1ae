"""Reads and writes protobuf's wire format, as far as ONNX files need it: running the product needs no onnx package.

https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

_WIDTHS = {1: 8, 5: 4}
"""Bytes of the wire types of fixed width."""


class Field(NamedTuple):
    number: int
    """Which field of its message."""
    value: int | memoryview
    """A number of variable length as int; whatever else, and messages in the message, as bytes."""
    whole: memoryview
    """The field as it stands in the message, with its number."""

    @property
    def content(self) -> memoryview:
        """Its bytes. Raises ValueError for a number."""
        if isinstance(self.value, int):
            raise ValueError(f"field {self.number} holds a number where bytes should be")
        return self.value

    @property
    def text(self) -> str:
        """Raises ValueError for what is no text."""
        return bytes(self.content).decode()


def read_fields(message: memoryview) -> Iterator[Field]:
    """The fields of a message in their order. Raises ValueError where it is cut short or no message."""
    at = 0
    while at < len(message):
        start = at
        key, at = _read_varint(message, at)
        kind = key & 7
        if kind == 0:
            number, at = _read_varint(message, at)
            yield Field(key >> 3, number, message[start:at])
            continue
        if kind == 2:
            length, at = _read_varint(message, at)
        elif kind in _WIDTHS:
            length = _WIDTHS[kind]
        else:
            raise ValueError(f"wire type {kind} is not known")
        if at + length > len(message):
            raise ValueError("a field goes beyond the end")
        yield Field(key >> 3, message[at : at + length], message[start : at + length])
        at += length


def read_numbers(packed: memoryview) -> list[int]:
    """The numbers of a packed field. Raises ValueError where it is cut short."""
    numbers, at = [], 0
    while at < len(packed):
        number, at = _read_varint(packed, at)
        numbers.append(number)
    return numbers


def write_bytes(number: int, content: bytes | str) -> bytes:
    """A field with bytes, a text or a message."""
    raw = content.encode() if isinstance(content, str) else content
    return _varint(number << 3 | 2) + _varint(len(raw)) + raw


def write_number(number: int, value: int) -> bytes:
    """A field with a whole number >= 0."""
    return _varint(number << 3) + _varint(value)


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def _read_varint(message: memoryview, at: int) -> tuple[int, int]:
    """The number that begins at `at`, and where it ends."""
    value = shift = 0
    while at < len(message) and shift < 70:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
    raise ValueError("a number goes beyond the end")
