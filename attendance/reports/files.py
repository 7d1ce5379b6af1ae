"""Days and punches as CSV and as a workbook for spreadsheets. What is handed out is on record first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from io import BytesIO
from typing import Final

from django.db import transaction
from django.utils import timezone
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from attendance.reports.stays import PersonDay, as_hours
from security.actors import Actor
from security.allowing import require
from security.audit.actions import Action
from security.audit.recording import record
from security.days import moment
from security.rights import Right
from security.tables import csv_lines, safe_cell

COLUMNS: Final = ("day", "person", "external_id", "check_in", "check_out", "hours", "way_in", "way_out", "reasons")
WIDTHS: Final = (12, 28, 16, 20, 20, 8, 10, 10, 40)


def days_as_csv(days: Sequence[PersonDay], *, actor: Actor | None, since: date, until: date) -> Iterator[str]:
    """One line for each stay, the header first. Raises NotAllowed."""
    _hand_out(days, actor=actor, form="csv", since=since, until=until)
    return csv_lines(COLUMNS, (_as_text(row) for row in _rows(days)))


def days_as_workbook(days: Sequence[PersonDay], *, actor: Actor | None, since: date, until: date) -> bytes:
    """An .xlsx file with real dates and numbers, one row for each stay. Raises NotAllowed."""
    _hand_out(days, actor=actor, form="xlsx", since=since, until=until)
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Attendance")
    for column, width in zip("ABCDEFGHI", WIDTHS, strict=True):
        sheet.column_dimensions[column].width = width
    sheet.freeze_panes = "A2"
    heads = [WriteOnlyCell(sheet, value=name) for name in COLUMNS]
    for head in heads:
        head.font = Font(bold=True)
    sheet.append(heads)
    for row in _rows(days):
        sheet.append([_as_cell(value) for value in row])
    stream = BytesIO()
    book.save(stream)
    return stream.getvalue()


def _hand_out(days: Sequence[PersonDay], *, actor: Actor | None, form: str, since: date, until: date) -> None:
    require(actor, Right.EXPORT)
    facts = {"since": since.isoformat(), "until": until.isoformat(), "rows": sum(len(day.stays) for day in days)}
    with transaction.atomic():
        record(Action.ATTENDANCE_EXPORTED, actor=actor, format=form, **facts)


def _rows(days: Sequence[PersonDay]) -> Iterator[tuple[object, ...]]:
    for day in days:
        for stay in day.stays:
            ends = [punch for punch in (stay.came, stay.left) if punch]
            yield (
                day.day,
                day.person.name,
                day.person.external_id or "",
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
