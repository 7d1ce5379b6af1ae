"""The consent texts: versions per language, and which of them a page shows."""

from __future__ import annotations

from django.db.models import Max
from django.utils.translation import get_language

from enrollment.models import ConsentText

FALLBACK = "en"
"""The language that a migration brings a text in. Pages in a language without a text show this."""


def current_text(language: str | None = None) -> ConsentText | None:
    """The newest text in `language` (default: the present page's), else in its main language, else English, else any.

    None only in a database without a single text.
    """
    wanted = (language or get_language() or FALLBACK).lower()
    newest = {text.language: text for text in newest_texts()}
    for candidate in (wanted, wanted.partition("-")[0], FALLBACK):
        if candidate in newest:
            return newest[candidate]
    return next(iter(newest.values()), None)


def newest_texts() -> list[ConsentText]:
    """The newest version of each language, in the order of the languages' codes."""
    newest = ConsentText.objects.order_by().values("language").annotate(newest=Max("pk")).values("newest")
    return list(ConsentText.objects.filter(pk__in=[row["newest"] for row in newest]).order_by("language"))


def text_history() -> list[ConsentText]:
    """Every version, by language, the newest first."""
    return list(ConsentText.objects.select_related("saved_by").order_by("language", "-number"))


def text_shown(key: object) -> ConsentText | None:
    """The text that a page says it showed (a primary key, as text or number), else the current one."""
    shown = (
        ConsentText.objects.filter(pk=int(str(key))).first() if str(key).isdecimal() and len(str(key)) < 19 else None
    )
    return shown or current_text()
