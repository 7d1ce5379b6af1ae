"""Stays, and days on which somebody was absent, as CSV and as a workbook. What is handed out is on record first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from io import BytesIO
from itertools import chain
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from attendance.reports.rosters import Cell, Row
from attendance.reports.spans import Span
from attendance.reports.stays import Stay, as_hours
from security.actors import Actor
from security.allowing import require
from security.audit.actions import Action
from security.audit.recording import record
from security.days import moment
from security.rights import Right
from security.tables import csv_lines, safe_cell

COLUMNS: Final = (
    "day",
    "person",
    "external_id",
    "check_in",
    "check_out",
    "hours",
    "way_in",
    "way_out",
    "reasons",
    "schedule",
    "late_minutes",
    "absent",
)
TOTALS: Final = ("person", "external_id", "days", "hours", "late", "absent")
WIDTHS: Final = (12, 28, 16, 20, 20, 8, 10, 10, 40, 20, 12, 8)
MOST_DAYS_IN_A_BOOK: Final = 200_000
"""People times days. A workbook is built in memory, and a sheet ends after 1,048,576 rows."""


def hand_out(*, actor: Actor | None, form: str, span: Span, people: int) -> None:
    """Put on record who takes which file. Raises NotAllowed."""
    require(actor, Right.EXPORT)
    facts = {"since": span.since.isoformat(), "until": span.until.isoformat(), "people": people}
    with transaction.atomic():
        record(Action.ATTENDANCE_EXPORTED, actor=actor, format=form, **facts)


def days_as_csv(rows: Iterable[Row], *, actor: Actor | None, span: Span, people: int) -> Iterator[str]:
    """A line for each stay and each day of absence. rows: read while it is sent. Raises NotAllowed."""
    hand_out(actor=actor, form="csv", span=span, people=people)
    return csv_lines(COLUMNS, (_as_text(line) for row in rows for line in _lines(row)))


def days_as_workbook(rows: Iterable[Row], *, actor: Actor | None, span: Span, people: int) -> bytes:
    """An .xlsx file with real dates and numbers: a sheet of stays, and one with a row for each person.

    Raises NotAllowed, and ValidationError where it would grow too large.
    """
    if people * len(span.days) > MOST_DAYS_IN_A_BOOK:
        raise ValidationError(
            _("This is too much for one workbook. Choose fewer days or fewer people, or take the CSV.")
        )
    hand_out(actor=actor, form="xlsx", span=span, people=people)
    book = Workbook(write_only=True)
    stays, totals = (_sheet(book, *each) for each in (("Attendance", COLUMNS, WIDTHS), ("Totals", TOTALS, (28, 16))))
    for row in rows:
        for line in _lines(row):
            stays.append([_as_cell(value) for value in line])
        totals.append([_as_cell(value) for value in _totals(row)])
    stream = BytesIO()
    book.save(stream)
    return stream.getvalue()


def _sheet(book: Workbook, title: str, columns: tuple[str, ...], widths: tuple[int, ...]) -> Any:
    sheet = book.create_sheet(title)
    for column, width in zip("ABCDEFGHIJKL", widths, strict=False):
        sheet.column_dimensions[column].width = width
    sheet.freeze_panes = "A2"
    heads = [WriteOnlyCell(sheet, value=name) for name in columns]
    for head in heads:
        head.font = Font(bold=True)
    sheet.append(heads)
    return sheet


def _totals(row: Row) -> tuple[object, ...]:
    person = row.person
    return (person.name, person.external_id or "", row.present, as_hours(row.worked), row.late, row.absent)


def _lines(row: Row) -> Iterator[tuple[object, ...]]:
    for cell in row.cells:
        stays: Iterable[Stay | None] = cell.day.stays or ((None,) if cell.absent else ())
        first = chain([_judgement(cell)], iter(lambda: (None, None, None), 0))
        for stay, judged in zip(stays, first, strict=False):
            yield (cell.day.day, row.person.name, row.person.external_id or "", *_stay(stay), *judged)


def _judgement(cell: Cell) -> tuple[object, ...]:
    """Of the day, so it stands beside its first stay only: whoever adds the column up counts nothing twice."""
    late = cell.day.late
    schedule = cell.day.plan.schedule.name if cell.day.plan else None
    return (schedule, int(late.total_seconds() // 60) if late else None, 1 if cell.absent else None)


def _stay(stay: Stay | None) -> tuple[object, ...]:
    if stay is None:
        return (None, None, None, "", "", "")
    ends = [punch for punch in (stay.came, stay.left) if punch]
    return (
        stay.came.at if stay.came else None,
        stay.left.at if stay.left else None,
        as_hours(stay.length) if stay.length is not None else None,
        stay.came.way if stay.came else "",
        stay.left.way if stay.left else "",
        " / ".join(punch.reason for punch in ends if punch.reason),
    )


def _as_text(row: tuple[object, ...]) -> list[object]:
    return [moment(value) if isinstance(value, datetime) else value for value in row]


def _as_cell(value: object) -> object:
    """Spreadsheets know no zones: moments are the site's wall clock."""
    if isinstance(value, datetime):
        return timezone.localtime(value).replace(tzinfo=None, microsecond=0)
    return value if isinstance(value, date) else safe_cell(value)
