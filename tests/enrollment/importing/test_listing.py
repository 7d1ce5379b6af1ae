"""Lists as spreadsheets save them."""

from __future__ import annotations

import codecs
from datetime import date

import pytest

from enrollment.importing import listing as listings
from enrollment.importing.listing import COLUMNS, EXAMPLE, read_listing
from enrollment.importing.reasons import ImportReason, ImportRefused
from security.tables import csv_lines

DAY = date(2026, 11, 27)
SEMICOLONS = "name;external_id;groups\r\nZoë Möller;007;Night|Visitors\r\n;;\r\n"
ZOE = ("Zoë Möller", "007", ("Night", "Visitors"))


@pytest.mark.parametrize(
    "data",
    [
        SEMICOLONS.encode(),
        codecs.BOM_UTF8 + SEMICOLONS.encode(),
        SEMICOLONS.encode("cp1252"),
        f"sep=;\r\n{SEMICOLONS}".encode(),
        SEMICOLONS.replace("\r\n", "\r").encode(),
        SEMICOLONS.replace(";", ",").encode(),
        SEMICOLONS.replace(";", "\t").encode("utf-16"),
        'Name,"External ID",Group\n"Zoë  Möller ",007,"Night;Visitors"'.encode(),
    ],
)
def test_every_way_of_excel_is_read(data):
    (row,) = read_listing(data).rows
    assert (row.name, row.external_id, row.groups) == ZOE


@pytest.mark.parametrize("text", ["2026-11-27", "27.11.2026", "27/11/2026", "11/27/2026", "2026-11-27 00:00:00"])
def test_days_are_read(text):
    (row,) = read_listing(f"name,valid_from\nAda,{text}".encode()).rows
    assert (row.code, row.valid_from) == ("", DAY)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("Ada,,11/12/2026,,", ImportReason.DATE_AMBIGUOUS),
        ("Ada,,31.11.2026,,", ImportReason.DATE_UNREADABLE),
        ("Ada,,soon,,", ImportReason.DATE_UNREADABLE),
        ("Ada,1.23E+11,,,", ImportReason.ID_ROUNDED),
        ("Ada,,,yes,", ImportReason.BASIS_UNKNOWN),
        (",,,paper,", ImportReason.ROW_WITHOUT_NAME),
    ],
)
def test_a_row_is_refused_and_it_is_said_why(line, code):
    rows = read_listing(f"name,external_id,valid_until,consent,x\n{line}\nBob,,,,".encode()).rows
    assert [row.code for row in rows] == [code, ""]


def test_two_rows_about_the_same_person_are_told():
    rows = read_listing(b"name,external_id\nAnn,1\nAnn,2\nAnna,1\nAnn,\nANN,\n").rows
    assert [row.code for row in rows] == ["", "", ImportReason.ROW_TWICE, "", ImportReason.ROW_TWICE]


def test_columns_that_are_not_known_are_named():
    assert read_listing(b"Name;Shoe size;\nAda;38;\n").ignored == ("Shoe size",)


def test_the_example_and_what_the_site_exports_can_be_read():
    example = "".join(csv_lines(EXAMPLE[0], EXAMPLE[1:])).encode()
    assert [row.code for row in read_listing(example).rows] == ["", "", ""]
    (row,) = read_listing("".join(csv_lines(COLUMNS, [("=Ada", *[""] * 8)])).encode()).rows
    assert row.name == "=Ada"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", ImportReason.LIST_WITHOUT_NAMES),
        (b"Ada Lovelace;7\n", ImportReason.LIST_WITHOUT_NAMES),
        (b"PK\x03\x04 an .xlsx", ImportReason.LIST_IS_WORKBOOK),
        (b"name\n\0\0\0", ImportReason.LIST_UNREADABLE),
        (b'name\n"' + b"x" * 200_000, ImportReason.LIST_UNREADABLE),
        (b"name\nA\nB\nC\n", ImportReason.LIST_TOO_LONG),
    ],
)
def test_a_list_is_refused_as_a_whole(data, code, monkeypatch):
    monkeypatch.setattr(listings, "MOST_ROWS", 2)
    with pytest.raises(ImportRefused) as refused:
        read_listing(data)
    assert refused.value.code == code
