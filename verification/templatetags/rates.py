"""Measured rates in words."""

from __future__ import annotations

import math

from django import template

from recognizer.calibration import Rate

register = template.Library()


@register.filter
def percent(value: float) -> str:
    """0.00123 -> "0.123 %": three significant digits; a dash where nothing was compared."""
    return "–" if math.isnan(value) else f"{round(value * 100, 5):.3g}\u00a0%"


@register.filter
def interval(rate: Rate) -> str:
    """The counts, and the 95 % interval that they give."""
    if not rate.trials:
        return "nothing to count"
    return f"{rate.errors:,} of {rate.trials:,}; 95\u00a0%: {percent(rate.low)} to {percent(rate.high)}"


@register.filter
def alarms(number: float) -> str:
    """Expected false alarms with two significant digits; a small number never becomes "0"."""
    if number < 0.01:
        return "fewer than 0.01" if number else "0"
    return f"{number:.2g}" if number < 100 else f"{number:.0f}"
