"""What pages of other apps show of the history. Their templates load it, so enrollment need not import verification."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import template
from django.utils.translation import gettext as _

from enrollment.models import Person
from verification import selectors
from verification.cards import ERASED, headline_of
from verification.models import VerificationAttempt

RECENT = 5

register = template.Library()


@register.simple_tag
def recent_attempts_of(person: Person) -> dict[str, Any]:
    """The latest `attempts` and their `thumbnails`, as verification/_attempts_table.html takes them."""
    attempts = selectors.attempts_of(person, RECENT)
    return {"attempts": attempts, "thumbnails": selectors.thumbnail_urls(attempts)}


@register.simple_tag
def attempt_count_of(person: Person, merged: Sequence[Person] = ()) -> int:
    """How many attempts matched or claimed this person. merged: people who were merged into this one, counted too."""
    return selectors.attempts_about([person, *merged]).count()


@register.filter
def at(mapping: Mapping[int, str] | None, key: int) -> str:
    """`mapping[key]`; empty when either is missing."""
    return (mapping or {}).get(key, "")


@register.filter
def subject(attempt: VerificationAttempt) -> str:
    """Whom a row of the history is about: the matched person, else who it was said to be."""
    if attempt.verdict == VerificationAttempt.Verdict.MATCH:
        return str(attempt.matched_person or ERASED)
    if attempt.mode == VerificationAttempt.Mode.VERIFY:
        return _("{name} (claimed)").format(name=attempt.claimed_person or ERASED)
    return _("Unknown")


@register.filter
def question(attempt: VerificationAttempt) -> str:
    """What was asked."""
    if attempt.mode != VerificationAttempt.Mode.VERIFY:
        return _("Who is it?")
    return _("Is it {name}?").format(name=attempt.claimed_person or ERASED)


@register.filter
def doubt(attempt: VerificationAttempt) -> str:
    """Why a row of the history names nobody although nothing was denied; empty for every clear answer."""
    return headline_of(attempt) if attempt.verdict == VerificationAttempt.Verdict.UNCERTAIN else ""
