"""Sentences that the database keeps in English, said by pages in the language of whoever reads them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from django.utils.translation import gettext


def kept_in_words(stored: str, sentences: Iterable[str]) -> str:
    """The first of `sentences` that `stored` is, with its values, translated. Any other text stays as it is.

    sentences: in English, marked by gettext_noop, with named places: "{name} is not known."
    """
    for sentence in sentences:
        if found := _pattern(sentence).fullmatch(stored):
            return gettext(sentence).format(**found.groupdict())
    return stored


def sentences_of(module: Mapping[str, object]) -> tuple[str, ...]:
    """Every sentence that a module has as a constant. module: its vars(), below the last one."""
    return tuple(value for name, value in sorted(module.items()) if name.isupper() and isinstance(value, str))


@lru_cache
def _pattern(sentence: str) -> re.Pattern[str]:
    """The sentence with any values in its places."""
    parts = re.split(r"\{(\w+)\}", sentence)
    return re.compile(
        "".join(f"(?P<{part}>.+?)" if number % 2 else re.escape(part) for number, part in enumerate(parts))
    )
