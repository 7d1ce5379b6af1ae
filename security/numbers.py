"""Numbers inside of sentences."""

from __future__ import annotations

from functools import lru_cache

from django.utils.formats import number_format
from django.utils.translation import get_language


def grouped(number: int) -> str:
    """ "3,650" in English, "3.650" in German."""
    return _grouped(number, get_language())


@lru_cache(maxsize=256)  # a rate stands in every decision's card
def _grouped(number: int, language: str | None) -> str:
    return number_format(number, force_grouping=True)
