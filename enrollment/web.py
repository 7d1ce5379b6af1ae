"""What the pages about people share. It has no page."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404

from enrollment import selectors
from enrollment.errors import PersonUnknown
from enrollment.models import Person


def person_or_404(uuid: UUID) -> Person:
    """Raises Http404 when there is no such person."""
    try:
        return selectors.person_by_uuid(uuid)
    except PersonUnknown as error:
        raise Http404(str(error)) from None


def count_of(number: int, noun: str) -> str:
    """The number and the noun, with an "s" unless it is 1: "3 samples"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
