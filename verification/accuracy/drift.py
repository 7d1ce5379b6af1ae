"""Did light or camera change? The last week's qualities and scores beside those of the four weeks before."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from django.utils.translation import gettext_lazy as _
from numpy.typing import NDArray

from recognizer.calibration import chance_of_difference
from security.numbers import grouped
from verification.accuracy.history import PastAttempt
from verification.cards import decimals

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

RECENT_DAYS = 7
BEFORE_DAYS = 28
FEWEST = 30
"""Attempts on either side; fewer are a matter of who happened to come."""
DOUBTFUL_CHANCE = 0.001
"""One person comes many times, so attempts resemble each other: strict, and only together with a difference that
matters."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of an attempt that light and camera move."""

    value: Callable[[PastAttempt], float | None]
    """None: this attempt says nothing about it."""
    matters: float
    """The smallest change of the median that is worth a warning; its sign is that of a change for the worse."""
    sentence: _StrOrPromise
    """What to say, with the two medians and numbers of attempts."""


def _recognised(attempt: PastAttempt) -> float | None:
    return attempt.comparison_score if attempt.verdict == "match" else None


def _stranger(attempt: PastAttempt) -> float | None:
    return attempt.comparison_score if attempt.is_stranger else None


MEASURES = (
    Measure(
        lambda attempt: attempt.quality_score,
        -0.05,
        _(
            "Pictures have become worse: quality {recent} in the last 7 days ({recent_count} attempts), {before} in "
            "the four weeks before ({before_count}). Light or camera may have changed: look for a lamp that is out or "
            "dazzles, sun behind people, a dirty lens, a camera that was moved."
        ),
    ),
    Measure(
        _recognised,
        -0.03,
        _(
            "People who are recognised score lower: {recent} in the last 7 days ({recent_count} attempts), {before} in "
            "the four weeks before ({before_count}). More of them are soon missed. See to light and camera; add new "
            "pictures of people who look different now."
        ),
    ),
    Measure(
        _stranger,
        0.03,
        _(
            "Strangers resemble the people enrolled more: {recent} in the last 7 days ({recent_count} attempts), "
            "{before} in the four weeks before ({before_count}). False alarms become likelier. Light or camera may "
            "have changed, or many people were enrolled."
        ),
    ),
)
"""Limits of what matters are a twentieth of each scale's usual range; they are no measured constants."""


def find_drifts(attempts: Iterable[PastAttempt], now: datetime) -> list[str]:
    """A sentence for each measure that became worse; empty: nothing did, or there is too little to say."""
    last_week, start = now - timedelta(days=RECENT_DAYS), now - timedelta(days=RECENT_DAYS + BEFORE_DAYS)
    seen = [one for one in attempts if one.from_camera and one.created_at >= start]
    recent = [one for one in seen if one.created_at >= last_week]
    before = [one for one in seen if one.created_at < last_week]
    found = (_drift(measure, _values(measure, recent), _values(measure, before)) for measure in MEASURES)
    return [sentence for sentence in found if sentence]


def _values(measure: Measure, attempts: Iterable[PastAttempt]) -> NDArray[np.float64]:
    return np.array([value for one in attempts if (value := measure.value(one)) is not None], np.float64)


def _drift(measure: Measure, recent: NDArray[np.float64], before: NDArray[np.float64]) -> str:
    if min(len(recent), len(before)) < FEWEST:
        return ""
    now, then = float(np.median(recent)), float(np.median(before))
    worse = (now - then) / measure.matters >= 1
    if not worse or chance_of_difference(recent, before) >= DOUBTFUL_CHANCE:
        return ""
    return str(measure.sentence).format(
        recent=decimals(now, 2),
        before=decimals(then, 2),
        recent_count=grouped(len(recent)),
        before_count=grouped(len(before)),
    )
