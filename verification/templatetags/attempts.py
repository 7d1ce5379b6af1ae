"""What pages of other apps show of the history. Templates meet here: enrollment need not import verification."""

from __future__ import annotations

from collections.abc import Mapping

from django import template

from enrollment.models import Person
from verification import selectors
from verification.cards import ERASED
from verification.models import VerificationAttempt

RECENT = 5

register = template.Library()


@register.simple_tag
def recent_attempts_of(person: Person) -> list[VerificationAttempt]:
    return selectors.attempts_of(person, RECENT)


@register.simple_tag
def attempt_count_of(person: Person) -> int:
    return selectors.find_attempts(selectors.AttemptFilters(person=person.uuid)).count()


@register.filter
def at(mapping: Mapping[int, str] | None, key: int) -> str:
    """`mapping[key]`; empty when either is missing."""
    return (mapping or {}).get(key, "")


@register.filter
def subject(attempt: VerificationAttempt) -> str:
    """Who a row of the history is about. Only a match names anybody who was not claimed."""
    if attempt.verdict == VerificationAttempt.Verdict.MATCH:
        return str(attempt.matched_person or ERASED)
    return "Not the claimed person" if attempt.mode == VerificationAttempt.Mode.VERIFY else "Unknown"
