"""Why the product itself made a punch. The database keeps the English sentence; pages say it in their language."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_noop as _

from security.kept import kept_in_words

CLOSED_BY_SCHEDULE: Final = _("nobody checked out; closed at the end of {schedule}")
CLOSED_AT_TIME: Final = _("nobody checked out; closed at {time}")


def rule_in_words(stored: str) -> str:
    """A reason as closing.py has stored it, in the language of whoever reads it."""
    return kept_in_words(stored, (CLOSED_BY_SCHEDULE, CLOSED_AT_TIME))
