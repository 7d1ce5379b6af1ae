"""A browser in words, as its operator would name it."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_noop as _

from security.kept import kept_in_words

# The first that fits: most browsers name others as well, and Android names Linux.
FAMILIES: Final = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS: Final = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "Mac"),
    ("Linux", "Linux"),
)
UNKNOWN: Final = _("A program")
ON: Final = _("{family} on {system}")


def browser_in_words(user_agent: str) -> str:
    """ "Firefox on Windows"; "A program" for what is no browser that we know. In English: it is stored."""
    family = next((name for mark, name in FAMILIES if mark in user_agent), "")
    system = next((name for mark, name in SYSTEMS if mark in user_agent), "")
    if not family:
        return UNKNOWN
    return ON.format(family=family, system=system) if system else family


def browser_translated(stored: str) -> str:
    """What browser_in_words() has found, in the language of whoever reads it."""
    return kept_in_words(stored, (UNKNOWN, ON))
