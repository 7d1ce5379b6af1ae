"""Who checked in and out."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, cast
from uuid import UUID

from django.http import HttpRequest
from ninja import Router
from ninja.params.functions import Query

from api.authorising import Bearer
from api.cursors import comparable, read_page
from api.describing import problems
from api.schemas import AttendanceOut, PersonRef, PunchOut
from attendance.models import Punch
from attendance.reports.selectors import punches_between
from enrollment.runtime.database import run_in_database_thread
from security.keys.scopes import Scope

router = Router(tags=["attendance"])
MOST_PUNCHES = 500


@router.get(
    "/attendance",
    auth=Bearer(Scope.ATTENDANCE_READ),
    response=AttendanceOut,
    openapi_extra={"responses": problems()},
)
async def list_punches(
    request: HttpRequest,
    since: datetime | None = Query(None, alias="from", description="With a time zone: punches from then on."),
    until: datetime | None = Query(None, alias="to", description="With a time zone: punches before then."),
    person: UUID | None = None,
    cursor: str | None = Query(None, max_length=200),
    limit: int = Query(100, ge=1, le=MOST_PUNCHES),
) -> AttendanceOut:
    """Check-ins and check-outs, the last entered first. What was taken back is left out."""
    since, until = comparable(since, "from"), comparable(until, "to")

    def read() -> AttendanceOut:
        found = punches_between(since, until, person)
        rows, more = read_page(found, name="attendance", cursor=cursor, limit=limit)
        return AttendanceOut(punches=[punch_out(row) for row in rows], next_cursor=more)

    return await run_in_database_thread(read)


def punch_out(punch: Punch) -> PunchOut:
    return PunchOut(
        id=punch.uuid,
        person=PersonRef(id=punch.person.uuid, name=punch.person.name),
        direction=cast(Literal["in", "out"], punch.direction),
        at=punch.at,
        way=cast(Literal["face", "badge", "manual", "rule"], punch.way),
        reason=punch.reason,
        attempt=punch.attempt.uuid if punch.attempt else None,
    )
