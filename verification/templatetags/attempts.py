"""What pages of other apps show of the history. Templates meet here: enrollment need not import verification."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import template

from enrollment.models import Person
from verification import selectors
from verification.cards import ERASED
from verification.models import VerificationAttempt

RECENT = 5

register = template.Library()


@register.simple_tag
def recent_attempts_of(person: Person) -> dict[str, Any]:
    """`attempts` and their `thumbnails`, as verification/_attempts_table.html takes them."""
    attempts = selectors.attempts_of(person, RECENT)
    return {"attempts": attempts, "thumbnails": selectors.thumbnail_urls(attempts)}


@register.simple_tag
def attempt_count_of(person: Person, merged: Sequence[Person] = ()) -> int:
    """merged: other records of the same person."""
    return selectors.attempts_about([person, *merged]).count()


@register.filter
def at(mapping: Mapping[int, str] | None, key: int) -> str:
    """`mapping[key]`; empty when either is missing."""
    return (mapping or {}).get(key, "")


@register.filter
def subject(attempt: VerificationAttempt) -> str:
    """Whose face a row of the history shows: known only after a match."""
    if attempt.verdict == VerificationAttempt.Verdict.MATCH:
        return str(attempt.matched_person or ERASED)
    return "Unknown"
