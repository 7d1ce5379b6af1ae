"""How far an import is, in percent and in minutes that are left. Pure functions on a run's numbers."""

from __future__ import annotations

import math

from django.utils import timezone

from enrollment.models import ImportRun

SURE_AFTER = 10
"""Pictures, before anybody is told how long the rest takes: the first ones wait for the engine to fill up."""


def percent_done(run: ImportRun) -> int:
    return 100 * run.done // run.total if run.total else 0


def minutes_left(run: ImportRun) -> int | None:
    """Rounded up, at the pace so far; 0: less than half a minute. None: too early to say."""
    if run.done < SURE_AFTER:
        return None
    seconds = (timezone.now() - run.begun_at).total_seconds() / run.done * (run.total - run.done)
    return 0 if seconds < 30 else math.ceil(seconds / 60)
