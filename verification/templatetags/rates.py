"""Measured rates in words."""

from __future__ import annotations

import math

from django import template
from django.utils.translation import gettext as _

from recognizer.calibration import Rate
from security.numbers import grouped
from verification.cards import shortest
from verification.policy import population_words

register = template.Library()


@register.filter
def percent(value: float) -> str:
    """0.00123 -> "0.123 %": three significant digits; a dash where nothing was compared."""
    if math.isnan(value):
        return "–"
    return _("{number} %").format(number=shortest(f"{round(value * 100, 5):.3g}"))


@register.filter
def interval(rate: Rate) -> str:
    """The counts, and the 95 % interval that they give."""
    if not rate.trials:
        return _("nothing to count")
    return _("{errors} of {trials}; 95 %: {low} to {high}").format(
        errors=grouped(rate.errors), trials=grouped(rate.trials), low=percent(rate.low), high=percent(rate.high)
    )


@register.filter
def alarms(number: float) -> str:
    """Expected false alarms with two significant digits; a small number never becomes "0"."""
    if number < 0.01:
        return _("fewer than {number}").format(number=shortest("0.01")) if number else "0"
    return shortest(f"{number:.2g}" if number < 100 else f"{number:.0f}")


@register.filter
def population(measured: str) -> str:
    """What a rate was measured on: "on LFW"."""
    return population_words(measured)
