"""Numbers inside of sentences."""

from __future__ import annotations

from django.utils.formats import number_format

from security.languages import in_english


def grouped(number: int) -> str:
    """ "3,650" in English, "3.650" in German."""
    return f"{number:,}" if in_english() else number_format(number, force_grouping=True)
