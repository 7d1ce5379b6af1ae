"""The list (CSV) that comes with a ZIP, or alone: one row for each person, however a spreadsheet has saved it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from enrollment.importing.reasons import ImportReason, ImportRefused
from enrollment.naming import fold, tidy
from security.tables import FORMULA_STARTS

COLUMNS = (
    "name",
    "external_id",
    "groups",
    "valid_from",
    "valid_until",
    "consent",
    "consent_note",
    "folder",
    "files",
)
ALIASES = {"group": "groups", "file": "files", "id": "external_id", "note": "consent_note"}
BASES = frozenset({"paper", "contract", "other"})
MOST_BYTES = 4 * 1024 * 1024
MOST_ROWS = 20_000
ROUNDED = re.compile(r"^\d[.,]\d+E\+\d+$", re.IGNORECASE)
ISO = re.compile(r"^(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T]00:00(?::00)?)?$")
DOTTED = re.compile(r"^(\d{1,2})\.(\d{1,2})\.(\d{4})$")
SLASHED = re.compile(r"^(\d{1,2})[/-](\d{1,2})[/-](\d{4})$")
EXAMPLE: tuple[tuple[str, ...], ...] = (
    COLUMNS,
    ("Ada Lovelace", "S-1001", "Engineering", "", "", "paper", "Binder 7", "Ada_Lovelace", ""),
    ("Grace Hopper", "V-2040", "Visitors|Navy", "2026-12-01", "2026-12-05", "contract", "", "", "group/grace.jpg"),
    ("Zoë Möller", "S-1002", "", "", "", "", "", "", ""),
)


@dataclass(frozen=True, slots=True)
class Row:
    number: int
    """As a spreadsheet counts them: the first row below the names of the columns is 2."""
    name: str = ""
    external_id: str = ""
    groups: tuple[str, ...] = ()
    valid_from: date | None = None
    valid_until: date | None = None
    basis: str = ""
    """paper, contract or other; empty: what the page says for everybody."""
    note: str = ""
    folder: str = ""
    files: tuple[str, ...] = ()
    code: str = ""
    """Why it cannot be used."""

    @property
    def key(self) -> str:
        """Two rows with the same one are about the same person."""
        return f"id:{self.external_id}" if self.external_id else f"name:{fold(self.name)}"


@dataclass(frozen=True, slots=True)
class Listing:
    rows: tuple[Row, ...]
    ignored: tuple[str, ...] = ()
    """Names of columns that nothing is known about."""


class _Refused(Exception):
    def __init__(self, code: ImportReason) -> None:
        self.code = code


def read_listing(data: bytes) -> Listing:
    """Raises ImportRefused."""
    lines = _lines(_text_of(data))
    try:
        _, header = next(lines)
    except StopIteration:
        raise ImportRefused(ImportReason.LIST_WITHOUT_NAMES) from None
    columns = [_column(cell) for cell in header]
    if not {"name", "external_id"} & set(columns):
        raise ImportRefused(ImportReason.LIST_WITHOUT_NAMES)
    rows: list[Row] = []
    for number, cells in lines:
        if len(rows) == MOST_ROWS:
            raise ImportRefused(ImportReason.LIST_TOO_LONG)
        if any(cell.strip() for cell in cells):
            rows.append(_row(number, dict(zip(columns, cells, strict=False))))
    ignored = tuple(tidy(cell) for cell, column in zip(header, columns, strict=True) if cell.strip() and not column)
    return Listing(tuple(_without_twins(rows)), ignored)


def _text_of(data: bytes) -> str:
    """UTF-8 with or without a mark, UTF-16 with one ("Unicode text"), else what Windows takes for ANSI."""
    if data.startswith(b"PK\x03\x04"):
        raise ImportRefused(ImportReason.LIST_IS_WORKBOOK)
    if len(data) > MOST_BYTES:
        raise ImportRefused(ImportReason.LIST_TOO_LONG)
    try:
        text = data.decode("utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
    if "\0" in text:
        raise ImportRefused(ImportReason.LIST_UNREADABLE)
    return text


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """(number of the row, its cells). The delimiter is the one that the first row has most of, unless Excel names it.

    A cell that is too long ends the list there, as a quotation mark that nobody closes makes one.
    """
    first, _, rest = text.partition("\n")
    named = re.fullmatch(r"sep=(.)\r?", first)
    text, skipped = (rest, 1) if named else (text, 0)
    header = text.partition("\n")[0]
    delimiter = named[1] if named else max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    for number in range(1 + skipped, 2**31):
        try:
            yield number, next(reader)
        except StopIteration:
            return
        except csv.Error:
            raise ImportRefused(ImportReason.LIST_UNREADABLE) from None


def _column(cell: str) -> str:
    """Which column this is; empty: none that is known."""
    name = re.sub(r"[\s-]+", "_", cell.strip().lower())
    name = ALIASES.get(name, name)
    return name if name in COLUMNS else ""


def _row(number: int, cells: Mapping[str, str]) -> Row:
    text = {column: _plain(cells.get(column, "")) for column in COLUMNS}
    try:
        return Row(
            number,
            tidy(text["name"]),
            _external_id(text["external_id"]),
            _several(text["groups"]),
            _day(text["valid_from"]),
            _day(text["valid_until"]),
            _basis(text["consent"]),
            " ".join(text["consent_note"].split()),
            tidy(text["folder"]).strip("/"),
            _several(text["files"]),
        )
    except _Refused as error:
        return Row(number, tidy(text["name"]), code=error.code)


def _plain(cell: str) -> str:
    """Without the apostrophe that our own exports put before what a spreadsheet would run."""
    cell = cell.strip()
    return cell[1:] if cell.startswith("'") and cell[1:2] in FORMULA_STARTS and cell[1:2] else cell


def _external_id(text: str) -> str:
    if ROUNDED.match(text):
        raise _Refused(ImportReason.ID_ROUNDED)
    return tidy(text)


def _several(text: str) -> tuple[str, ...]:
    return tuple(part for one in re.split(r"[|;\n]", text) if (part := tidy(one)))


def _basis(text: str) -> str:
    basis = text.lower()
    if basis and basis not in BASES:
        raise _Refused(ImportReason.BASIS_UNKNOWN)
    return basis


def _day(text: str) -> date | None:
    """2026-11-27, 27.11.2026, and 27/11/2026 where only one number can be the month."""
    if not text:
        return None
    try:
        if found := ISO.match(text):
            return date(int(found[1]), int(found[2]), int(found[3]))
        if found := DOTTED.match(text):
            return date(int(found[3]), int(found[2]), int(found[1]))
        if found := SLASHED.match(text):
            return _slashed(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        pass
    raise _Refused(ImportReason.DATE_UNREADABLE)


def _slashed(first: int, second: int, year: int) -> date:
    if first != second and max(first, second) <= 12:
        raise _Refused(ImportReason.DATE_AMBIGUOUS)
    return date(year, second, first) if first > 12 else date(year, first, second)


def _without_twins(rows: list[Row]) -> Iterator[Row]:
    """Of rows about the same person none is used but the first."""
    seen: set[str] = set()
    for row in rows:
        if not row.code and not row.name and not row.external_id:
            row = Row(row.number, code=ImportReason.ROW_WITHOUT_NAME)
        elif not row.code and row.key in seen:
            row = Row(row.number, row.name, code=ImportReason.ROW_TWICE)
        seen.add(row.key)
        yield row
