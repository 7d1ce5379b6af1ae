"""The audit trail as a file of JSON lines, which can be verified anywhere, without the database.

First a line about the file, then rows by rising number, each followed by its seals, and at the end a seal over the last
row: a file that was cut short has no such end.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone

from security.actors import Actor
from security.allowing import require
from security.audit.actions import Action
from security.audit.chain import Broken, ChainCheck, Report, Row, Seal, time_text
from security.audit.recording import record
from security.audit.sealing import seal_now
from security.audit.selectors import AuditFilters, find_events
from security.audit.signing import AuditKeyUnusable, SigningKey, VerifyingKey, known_public_key, site_key
from security.audit.stored import stored_items
from security.days import said_in
from security.rights import Right
from security.tables import Way, cell_text, counted, csv_lines, tuples_by_pages

VERSION = 1
FIELDS = {
    "row": "number",
    "time": "at",
    "who": "actor",
    "action": "action",
    "target": "target",
    "facts": "facts",
    "from": "source",
    "hash": "hash",
}
"""Column of the table -> field of a row."""
ROW_FIELDS = frozenset(Row.__dataclass_fields__)
SEAL_FIELDS = frozenset(Seal.__dataclass_fields__)


def begin_export(*, actor: Actor | None) -> Iterator[str]:
    """Lines of the whole trail, to be read one by one. The export is itself on record before the first of them.

    Raises NotAllowed, AuditKeyUnusable.
    """
    require(actor, Right.SEE_AUDIT)
    require(actor, Right.EXPORT)
    key = site_key()
    with transaction.atomic():
        last = record(Action.AUDIT_EXPORTED, actor=actor, format="jsonl")
    seal_now()
    return _lines(key, last.number)


def begin_table(*, actor: Actor | None, filters: AuditFilters) -> Iterator[str]:
    """CSV lines of the rows that fit, newest first, on record as begin_export() is. Raises NotAllowed.

    For reading: a chain with rows missing cannot be verified.
    """
    require(actor, Right.SEE_AUDIT)
    require(actor, Right.EXPORT)
    with transaction.atomic():
        rows, events = counted(find_events(filters), key="number")
        last = record(Action.AUDIT_EXPORTED, actor=actor, format="csv", rows=rows, filters=filters.as_facts())
    older = events.filter(number__lt=last.number)
    cells = tuples_by_pages(older, tuple(FIELDS.values()), key="number", newest_first=True)
    ways: dict[str, Way] = {"time": partial(said_in, timezone.get_current_timezone()), "facts": _facts_text}
    return csv_lines(tuple(FIELDS), cells, ways=ways)


def write_export(path: Path, *, actor: Actor | None) -> int:
    """The whole trail as a file for its owner alone, or nothing. Returns the number of lines. Raises OSError, ..."""
    lines = 0
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as stream:
            for line in begin_export(actor=actor):
                stream.write(line)
                lines += 1
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)
    return lines


def verify_lines(lines: Iterable[bytes], keys: Iterable[VerifyingKey] = ()) -> Report:
    """Check an export. keys: public keys that are trusted; without any, this machine's, else the one in the file.

    Only the last of these three says nothing about somebody who wrote the whole file anew.
    """
    check = ChainCheck({})
    numbered = enumerate(lines, start=1)
    try:
        check.keys = _trusted(_header(numbered), keys)
        ends: list[Seal] = []
        check.walk(_items(numbered, ends))
        if not ends:
            raise Broken("removed", check.report.through + 1, "The file ends before its last line: it was cut short.")
        check.accept(ends[0])
        check.end(ends[0].number, ends[0].hash)
    except Broken as broken:
        check.report.problem = broken.problem
    return check.report


def _facts_text(facts: Any) -> str:
    return cell_text(json.dumps(facts, sort_keys=True, ensure_ascii=False))


def _lines(key: SigningKey, through: int) -> Iterator[str]:
    about = {"type": "audit", "version": VERSION, "exported_at": time_text(timezone.now())}
    yield _line(about | {"key": key.public.key_id, "public_key": key.public.public_text})
    last: Row | None = None
    for item in stored_items(through=through):
        if isinstance(item, Row):
            last = item
        yield _line({"type": "row" if isinstance(item, Row) else "seal", **asdict(item)})
    if last:
        yield _line({"type": "end", **asdict(key.seal(Seal.EXPORT, last.number, last.hash))})


def _line(values: dict[str, Any]) -> str:
    return json.dumps(values, ensure_ascii=True) + "\n"


def _header(lines: Iterator[tuple[int, bytes]]) -> dict[str, Any]:
    number, line = next(lines, (1, b""))
    about = _parse(number, line)
    if about.get("type") != "audit" or about.get("version") != VERSION:
        raise Broken("unreadable", 1, "This is no export of an audit trail: its first line does not say so.")
    return about


def _trusted(about: dict[str, Any], keys: Iterable[VerifyingKey]) -> dict[str, VerifyingKey]:
    own = known_public_key()
    try:
        found = list(keys) or ([own] if own else [VerifyingKey.from_text(str(about.get("public_key", "")))])
    except AuditKeyUnusable:
        raise Broken("unreadable", 1, "The file's first line names no public key.") from None
    return {key.key_id: key for key in found}


def _items(lines: Iterator[tuple[int, bytes]], ends: list[Seal]) -> Iterator[Row | Seal]:
    """Rows and seals; the last line goes into `ends`, and nothing may come behind it."""
    for number, line in lines:
        values = _parse(number, line)
        if ends:
            raise Broken("inserted", number, f"Line {number} was inserted: it stands behind the last one.")
        kind = values.pop("type", None)
        fields = ROW_FIELDS if kind == "row" else SEAL_FIELDS
        if kind not in ("row", "seal", "end") or values.keys() != fields or type(values["number"]) is not int:
            raise Broken("unreadable", number, f"Line {number} is no row of an audit trail.")
        if kind != "row" and (values["kind"] == Seal.EXPORT) != (kind == "end"):
            raise Broken("unreadable", number, f"Line {number} is no end of an audit trail, or one in the wrong place.")
        if kind == "end":
            ends.append(Seal(**values))
        else:
            yield Row(**values) if kind == "row" else Seal(**values)


def _parse(number: int, line: bytes) -> dict[str, Any]:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise Broken("unreadable", number, f"Line {number} cannot be read: the file was changed or cut short there.")
    return values
