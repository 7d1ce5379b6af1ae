"""Stays and days of absence as a calendar (iCalendar, RFC 5545), for whatever program opens such files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from icalendar import Calendar, Event

from attendance.reports.files import hand_out
from attendance.reports.rosters import Cell, Row
from attendance.reports.spans import Span
from attendance.reports.stays import Stay
from security.actors import Actor

PRODUCT: Final = "-//facesite//attendance//EN"


MOST_DAYS_IN_A_CALENDAR: Final = 20_000
"""People times days: it is built in memory, and no program likes to open a larger one."""


def days_as_calendar(
    rows: Iterable[Row], *, actor: Actor | None, span: Span, people: int, whose: str, now: datetime
) -> bytes:
    """An event for each stay and for each day of absence. Moments are in UTC, so no zone's rules travel along.

    A stay without its end has no length. Events keep their ids: a calendar that reads the file again shows none twice.
    whose: a person's or a group's name for the calendar's, empty for everybody. Raises NotAllowed, ValidationError.
    """
    if people * len(span.days) > MOST_DAYS_IN_A_CALENDAR:
        raise ValidationError(_("That is too much for one calendar. Choose a group, or fewer days or fewer people."))
    hand_out(actor=actor, form="ics", span=span, people=people)
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", _("Attendance of {name}").format(name=whose) if whose else _("Attendance"))
    for cell in (cell for row in rows for cell in row.cells):
        for event in _events(cell, now):
            calendar.add_component(event)
    file: bytes = calendar.to_ical()
    return file


def _events(cell: Cell, now: datetime) -> Iterator[Event]:
    for stay in cell.day.stays:
        yield _stay(stay, now)
    if cell.absent:
        uid = f"absent-{cell.day.day}-{cell.day.person.uuid}"
        event = _event(uid, _("{name}: absent").format(name=cell.day.person.name), now)
        event.add("dtstart", cell.day.day)
        event.add("dtend", cell.day.day + timedelta(days=1))
        event.add("transp", "TRANSPARENT")
        yield event


def _stay(stay: Stay, now: datetime) -> Event:
    punches = [punch for punch in (stay.came, stay.left) if punch]
    event = _event(str(punches[0].uuid), _summary(stay), now)
    event.add("dtstart", _utc(punches[0].at))
    event.add("dtend", _utc(punches[-1].at))
    if reasons := [f"{punch.get_direction_display()}: {punch.reason_in_words}" for punch in punches if punch.reason]:
        event.add("description", "\n".join(reasons))
    return event


def _summary(stay: Stay) -> str:
    if stay.came is None:
        return _("{name}: check-out without a check-in").format(name=stay.person.name)
    return (
        _("{name}: here").format(name=stay.person.name)
        if stay.left
        else _("{name}: check-in without a check-out").format(name=stay.person.name)
    )


def _event(uid: str, summary: str, now: datetime) -> Event:
    event = Event()
    event.add("uid", f"{uid}@facesite")
    event.add("dtstamp", _utc(now))
    event.add("summary", summary)
    return event


def _utc(moment: datetime) -> datetime:
    """To the second, which is all that the format has."""
    return moment.astimezone(UTC).replace(microsecond=0)
