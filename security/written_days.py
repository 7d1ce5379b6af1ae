"""Days and moments as each language writes them: pages and sentences name the English form."""

from __future__ import annotations

from datetime import date
from typing import Final

from django.utils.formats import date_format
from django.utils.translation import pgettext_lazy

WRITTEN: Final = {
    "D j": pgettext_lazy("how a day is written", "D j"),
    "D, j M": pgettext_lazy("how a day is written", "D, j M"),
    "D, j M, H:i": pgettext_lazy("how a day is written", "D, j M, H:i"),
    "D, j M Y": pgettext_lazy("how a day is written", "D, j M Y"),
    "F Y": pgettext_lazy("how a day is written", "F Y"),
    "H:i": pgettext_lazy("how a day is written", "H:i"),
    "j F Y": pgettext_lazy("how a day is written", "j F Y"),
    "j F Y, H:i": pgettext_lazy("how a day is written", "j F Y, H:i"),
    "j F Y, H:i:s T": pgettext_lazy("how a day is written", "j F Y, H:i:s T"),
    "j F Y, H:i:s e": pgettext_lazy("how a day is written", "j F Y, H:i:s e"),
    "j M": pgettext_lazy("how a day is written", "j M"),
    "j M, H:i": pgettext_lazy("how a day is written", "j M, H:i"),
    "j M Y": pgettext_lazy("how a day is written", "j M Y"),
    "j M Y, H:i": pgettext_lazy("how a day is written", "j M Y, H:i"),
    "j M Y, H:i e": pgettext_lazy("how a day is written", "j M Y, H:i e"),
    "j M Y, H:i:s": pgettext_lazy("how a day is written", "j M Y, H:i:s"),
    "l, j M Y": pgettext_lazy("how a day is written", "l, j M Y"),
}
"""Django's letters for the parts of a date. Any other form is the same everywhere."""


def written(day: date, form: str) -> str:
    """form: a key of WRITTEN."""
    return date_format(day, str(WRITTEN[form]))
