"""A language in which every message is ⟦marked⟧, and what of a page's words is not: nobody could translate that."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from typing import Any, Final

from django.utils import translation

OPEN, CLOSE = "⟦", "⟧"
UUID: Final = r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"
WORD: Final = re.compile(r"[^\W\d_]{2,}")
HEARD: Final = ("alt", "aria-label", "aria-description", "placeholder", "title")
SILENT: Final = ("code", "pre", "script", "style")
VOID: Final = (
    "area",
    "base",
    "br",
    "col",
    "hr",
    "img",
    "input",
    "link",
    "meta",
    "path",
    "source",
    "track",
    "use",
    "wbr",
)


@contextmanager
def pseudo_language() -> Iterator[None]:
    """Within it every message of gettext comes out in brackets, lazy ones too."""
    speaker: Any = translation._trans  # type: ignore[attr-defined]
    names = ("gettext", "ngettext", "pgettext", "npgettext")
    before = {name: getattr(speaker, name) for name in names}
    try:
        speaker.gettext = lambda message: _marked(before["gettext"](message))
        speaker.ngettext = lambda *said: _marked(before["ngettext"](*said))
        speaker.pgettext = lambda *said: _marked(before["pgettext"](*said))
        speaker.npgettext = lambda *said: _marked(before["npgettext"](*said))
        yield
    finally:
        vars(speaker).update(before)


def unmarked_words(page: str, *, data: tuple[str, ...] = ()) -> list[str]:
    """Texts that people read or hear and that are outside of brackets. data: names and values that the page shows."""
    reader = _Reader(data)
    reader.feed(page)
    return reader.found


def _marked(message: str) -> str:
    return f"{OPEN}{message}{CLOSE}" if WORD.search(message) and OPEN not in message else message


class _Reader(HTMLParser):
    def __init__(self, data: tuple[str, ...]) -> None:
        super().__init__(convert_charrefs=True)
        self.data = re.compile("|".join([UUID, *sorted(map(re.escape, data), key=len, reverse=True)]))
        self.depth = 0
        self.silent: list[str] = []
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if self.silent or tag in SILENT or given.get("translate") == "no":
            self.silent += [] if tag in VOID else [tag]
            return
        heard = [*HEARD, *(["value"] if tag == "input" and given.get("type") in {"submit", "button"} else [])]
        for name in heard:
            self._read(given.get(name) or "", f"{name}=", within=self.depth)

    def handle_endtag(self, tag: str) -> None:
        if self.silent and self.silent[-1] == tag:
            self.silent.pop()

    def handle_data(self, text: str) -> None:
        if not self.silent:
            self.depth = self._read(text, "", within=self.depth)

    def _read(self, text: str, where: str, *, within: int) -> int:
        outside = ""
        for character in text:
            within += (character == OPEN) - (character == CLOSE)
            outside += character if within == 0 and character != CLOSE else " "
        if WORD.search(self.data.sub(" ", outside)):
            self.found.append(where + " ".join(outside.split()))
        return within
