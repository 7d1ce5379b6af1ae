"""How names and external IDs are written, and how they are compared in a search. Pure functions on text."""

from __future__ import annotations

import unicodedata

JOINERS = "\u200c\u200d"
"""Zero-width non-joiner and joiner: they belong into Persian and Sinhala names, and into emoji."""
DIRECTION_MARKS = dict.fromkeys(map(ord, "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"))
"""They come along when text is copied, and could make a name look like another one."""
LAST_LATIN = "\u024f"
"""Up to here a joiner does nothing but make two names differ that look the same."""
KEPT_CLASSES = frozenset({0, 9, 103, 118})
"""Combining classes that are no accents: vowel signs, viramas, Thai and Lao vowels below."""
LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ŧ": "t", "ı": "i", "æ": "ae", "œ": "oe"})
"""Letters that Unicode does not take apart, and that MySQL's collations still find without their stroke."""


def tidy(text: str) -> str:
    """The text as it is stored: NFC, single spaces, no direction marks, joiners only where a script needs them."""
    text = unicodedata.normalize("NFC", text).translate(DIRECTION_MARKS)
    return " ".join(_without_idle_joiners(word) for word in text.split())


def is_printable(text: str) -> bool:
    """Whether all of a tidy text can be seen, but for its joiners."""
    return "".join(character for character in text if character not in JOINERS).isprintable()


def fold(text: str) -> str:
    """What a search compares: without case and accents in every script, as MySQL's "ai_ci" collations have it."""
    apart = unicodedata.normalize("NFKD", text.translate(DIRECTION_MARKS))
    apart = unicodedata.normalize("NFKD", apart.casefold()).translate(LETTERS)
    return "".join(
        character
        for character in apart
        if unicodedata.combining(character) in KEPT_CLASSES and character not in JOINERS
    )


def _without_idle_joiners(word: str) -> str:
    kept = [
        character
        for place, character in enumerate(word)
        if character not in JOINERS or (_joins(word[place - 1 : place]) and _joins(word[place + 1 : place + 2]))
    ]
    return "".join(kept)


def _joins(neighbour: str) -> bool:
    return neighbour > LAST_LATIN and neighbour not in JOINERS
