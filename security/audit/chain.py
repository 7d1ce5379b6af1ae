"""What makes audit rows a chain, and how a break in it is found and named. No database: an export is checked alike."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Protocol

from security.audit import problems

NO_HASH = ""
"""What the first row of a chain holds in place of the hash of the row before it."""
MOST_SHIFTED = 1_000
"""How far renumbered rows are recognised as such."""


def time_text(at: datetime) -> str:
    """The one way in which a time is hashed and signed: UTC, with microseconds, whatever the database gave back."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def canonical(value: Mapping[str, Any]) -> bytes:
    """JSON that is the same for the same values: sorted keys, no blanks, ASCII only."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()


@dataclass(frozen=True, slots=True)
class Row:
    """One audit row, from the database or from an export."""

    number: int
    at: str
    """time_text()."""
    action: str
    actor: str
    target: str
    facts: Any
    source: str
    previous_hash: str
    hash: str

    def digest(self) -> str:
        """SHA-256, in hexadecimal digits, of all fields but `hash` itself."""
        return hashlib.sha256(
            canonical(
                {
                    "number": self.number,
                    "at": self.at,
                    "action": self.action,
                    "actor": self.actor,
                    "target": self.target,
                    "facts": self.facts,
                    "source": self.source,
                    "previous_hash": self.previous_hash,
                }
            )
        ).hexdigest()


@dataclass(frozen=True, slots=True)
class Seal:
    """A signature over the chain up to one row: over its hash, which holds all rows before it."""

    DAY = "day"
    """Made once a day, and before an export."""
    ANCHOR = "anchor"
    """Made when the oldest rows are taken away: the next row follows from this one."""
    EXPORT = "export"
    """The last line of an export; kept nowhere else."""

    kind: str
    number: int
    hash: str
    at: str
    key: str
    """key_id of the public key."""
    signature: str = ""
    """Base64."""

    def message(self) -> bytes:
        """What is signed."""
        return b"facesite audit seal 1\n" + canonical(
            {"kind": self.kind, "number": self.number, "hash": self.hash, "at": self.at, "key": self.key}
        )


class PublicKey(Protocol):
    def accepts(self, message: bytes, signature: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class Problem:
    """The first thing that is wrong with a chain."""

    kind: str
    """changed, removed, inserted, seal, key or unreadable."""
    number: int
    """Of the row, or, in a file that cannot be read, of the line."""
    sentence: str


class Broken(Exception):
    def __init__(self, kind: str, number: int, sentence: str) -> None:
        super().__init__(sentence)
        self.problem = Problem(kind, number, sentence)


@dataclass(slots=True)
class Report:
    """What a check has seen."""

    rows: int = 0
    first: int = 0
    """Number of the oldest row that is still there; 0: there are no rows."""
    through: int = 0
    """Number of the last row that fits."""
    seals: int = 0
    sealed_through: int = 0
    sealed_at: str = ""
    problem: Problem | None = None

    def as_json(self) -> dict[str, Any]:
        problem = self.problem
        return {
            "ok": problem is None,
            "rows": self.rows,
            "first": self.first,
            "through": self.through,
            "seals": self.seals,
            "sealed_through": self.sealed_through,
            "sealed_at": self.sealed_at or None,
            "problem": {"kind": problem.kind, "number": problem.number, "sentence": problem.sentence}
            if problem
            else None,
        }


@dataclass(slots=True)
class ChainCheck:
    """Walks along a chain, holding one row of it at a time.

    keys: key id -> public key. after: number and hash of a row that is known to be right; None: from the beginning.
    """

    keys: Mapping[str, PublicKey]
    after: tuple[int, str] | None = None
    report: Report = field(default_factory=Report)
    _last: tuple[int, str] | None = None
    _sealed: int = 0
    _promised: int = 0
    _anchors: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._last = self.after
        self._sealed = self.after[0] if self.after else 0

    def walk(self, items: Iterable[Row | Seal]) -> None:
        """Check rows by rising number, each followed by its seals; an anchor comes before the first. Raises Broken."""
        coming = iter(items)
        for item in coming:
            if isinstance(item, Seal):
                self._take_seal(item)
            else:
                self._take_row(item, coming)

    def end(self, number: int, row_hash: str) -> None:
        """Compare with what the end of the chain is known to be. Raises Broken."""
        last, last_hash = self._last or (0, NO_HASH)
        if last < self._promised:
            raise Broken("removed", 1, problems.ALL_REMOVED.format(row=1, sealed=self._promised))
        if last < number:
            raise Broken("removed", last + 1, problems.END_REMOVED.format(row=last + 1, end=number))
        if last > number:
            raise Broken("inserted", number + 1, problems.BEHIND_THE_END.format(row=number + 1))
        if last_hash != row_hash:
            raise Broken("changed", number, problems.OTHER_END.format(row=number))

    def _take_row(self, row: Row, coming: Iterator[Row | Seal]) -> None:
        last, last_hash = self._last or self._beginning(row)
        if row.digest() != row.hash:
            raise self._explain(row, last_hash, coming)
        if row.number > last + 1:
            raise Broken("removed", last + 1, problems.GAP.format(row=last + 1, next=row.number))
        if row.number <= last:
            raise Broken("inserted", row.number, problems.OUT_OF_ORDER.format(row=row.number, last=last))
        if row.previous_hash != last_hash:
            following = _next_row(coming)
            if following and following.previous_hash == last_hash:
                raise Broken("inserted", row.number, problems.BETWEEN.format(row=row.number))
            raise Broken("changed", last, problems.OTHER_HASH.format(row=last, next=row.number))
        self._last = row.number, row.hash
        report = self.report
        report.rows += 1
        report.first = report.first or row.number
        report.through = row.number

    def _beginning(self, row: Row) -> tuple[int, str]:
        """What stood before the first row that is there: nothing, or rows that retention took away and signed for."""
        if row.number <= 1:
            return 0, NO_HASH
        try:
            return row.number - 1, self._anchors[row.number - 1]
        except KeyError:
            missing = max((number for number in self._anchors if number < row.number), default=0) + 1
            raise Broken(
                "removed",
                missing,
                problems.FIRST_REMOVED.format(row=missing, first=row.number),
            ) from None

    def _explain(self, row: Row, last_hash: str, coming: Iterator[Row | Seal]) -> Broken:
        """The row's content does not fit its hash: was it changed, or only moved by others that came or went?"""
        shift = _shift_of(row)
        if shift < 0:
            first = row.number + shift
            return Broken("inserted", first, problems.INSERTED_AND_RENUMBERED.format(row=first))
        if shift > 0:
            return Broken("removed", row.number, problems.REMOVED_AND_RENUMBERED.format(row=row.number))
        following = _next_row(coming)
        if following and following.previous_hash == last_hash:
            return Broken("inserted", row.number, problems.BETWEEN.format(row=row.number))
        return Broken("changed", row.number, problems.OTHER_CONTENT.format(row=row.number))

    def accept(self, seal: Seal) -> None:
        """Check a signature alone. Raises Broken."""
        key = self.keys.get(seal.key)
        if key is None:
            raise Broken(
                "key",
                seal.number,
                problems.KEY_UNKNOWN.format(row=seal.number, key=seal.key),
            )
        if not key.accepts(seal.message(), seal.signature):
            raise Broken("seal", seal.number, problems.BAD_SIGNATURE.format(row=seal.number))

    def _take_seal(self, seal: Seal) -> None:
        self.accept(seal)
        self.report.seals += 1
        if seal.kind == Seal.ANCHOR:
            self._anchors[seal.number] = seal.hash
        if self._last is None:
            self._promised = max(self._promised, seal.number)
            return
        last, last_hash = self._last
        if seal.number > last:
            raise Broken("removed", last + 1, problems.SEALED_REMOVED.format(row=last + 1, sealed=seal.number))
        if seal.number == last and seal.hash != last_hash:
            begin = max(self._sealed + 1, self.report.first)
            which = problems.NOT_AS_SEALED if begin >= last else problems.SOME_NOT_AS_SEALED
            row = last if begin >= last else begin
            raise Broken("changed", begin, which.format(row=row, last=last, day=seal.at[:10]))
        self._sealed = max(self._sealed, seal.number)
        if seal.number >= self.report.sealed_through:
            self.report.sealed_through, self.report.sealed_at = seal.number, seal.at


def _next_row(coming: Iterator[Row | Seal]) -> Row | None:
    return next((item for item in coming if isinstance(item, Row)), None)


def _shift_of(row: Row) -> int:
    """By how much its number is smaller (> 0) or larger (< 0) than the one that was hashed; 0: that is not it."""
    for distance in range(1, MOST_SHIFTED + 1):
        for shift in (-distance, distance):
            if replace(row, number=row.number + shift).digest() == row.hash:
                return shift
    return 0
