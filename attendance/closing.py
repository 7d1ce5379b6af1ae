"""Days that somebody left open, closed by the site's rule once they are over. Runs once a day (security/daily.py).

Each is a check-out marked as made by rule, with the policy and so with who made it. One that was taken back is not
made again: somebody knows better than the rule.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from attendance.models import LONGEST, AttendancePolicy, Punch
from attendance.punches.services import current_attendance_policy, punch_by_rule
from attendance.reports.selectors import open_punches
from attendance.rules import CLOSED_AT_TIME, CLOSED_BY_SCHEDULE
from attendance.schedules.plans import Timetable, read_timetable
from enrollment.errors import PersonUnknown
from enrollment.services import lock_person
from security.daily import Shift
from security.events import log_event

logger = logging.getLogger("facesite.attendance")

TASK: Final = "attendance_closing"


def run(shift: Shift) -> None:
    """A day's work."""
    close_open_days(timezone.now(), pause=shift.pause)


def close_open_days(now: datetime, *, pause: Callable[[], None] = lambda: None) -> int:
    """How many were closed. Each has a transaction of its own; pause: called between two of them."""
    policy = current_attendance_policy()
    if policy.closing == AttendancePolicy.Closing.OPEN:
        return 0
    timetable, closed = read_timetable(), 0
    open_days = list(open_punches(now).filter(direction=Punch.Direction.IN))
    timetable.know(came.person for came in open_days)
    for came in open_days:
        closed += _close(came, policy, timetable, now)
        pause()
    log_event(logger, "open_days_closed", count=closed)
    return closed


def _close(came: Punch, policy: AttendancePolicy, timetable: Timetable, now: datetime) -> bool:
    ended = _end_of(came, policy, timetable)
    if ended is None or ended[0] > now:
        return False
    at, reason = ended
    try:
        with transaction.atomic():
            lock_person(came.person)
            if not _is_still_open(came, at):
                return False
            punch_by_rule(came=came, at=at, policy=policy, reason=reason)
    except PersonUnknown:  # erased since the open days were listed
        return False
    return True


def _end_of(came: Punch, policy: AttendancePolicy, timetable: Timetable) -> tuple[datetime, str] | None:
    """When the rule says that they left, and why; None: the rule says nothing about this day."""
    day = timezone.localdate(came.at)
    if policy.closing == AttendancePolicy.Closing.SCHEDULE:
        plan = timetable.plan_for(came.person, day)
        if plan is None or plan.ends <= came.at:
            return None
        return plan.ends, CLOSED_BY_SCHEDULE.format(schedule=plan.schedule.name)
    if policy.closing_time is None:
        return None
    at = timezone.make_aware(datetime.combine(day, policy.closing_time))
    if at <= came.at:
        at = timezone.make_aware(datetime.combine(day + timedelta(days=1), policy.closing_time))
    return at, CLOSED_AT_TIME.format(time=f"{policy.closing_time:%H:%M}")


def _is_still_open(came: Punch, at: datetime) -> bool:
    """Whether no punch lies between the check-in and `at`, and nobody took back what a rule had made of it."""
    own = Punch.objects.filter(person=came.person, at__gt=came.at)
    is_alone = Punch.objects.filter(pk=came.pk, voided_at=None, paired=False).exists()
    if not is_alone or own.filter(voided_at=None, at__lte=at).exists():
        return False
    return not own.filter(way=Punch.Way.RULE, voided_at__isnull=False, at__lte=came.at + LONGEST).exists()
