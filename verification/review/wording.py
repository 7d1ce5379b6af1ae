"""What pages say about recorded wrong matches, and the people whom they offer to choose from."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from enrollment.models import Person
from verification.cards import ERASED
from verification.forms import PersonChoiceForm
from verification.models import VerificationAttempt
from verification.review import feedback


def feedback_context(attempt: VerificationAttempt) -> dict[str, Any]:
    """For the page of an attempt: what is recorded about it, or whether the operator may say that it is wrong."""
    recorded = feedback.active_false_match(attempt)
    if recorded is None:
        is_match = attempt.verdict == VerificationAttempt.Verdict.MATCH and attempt.matched_person
        return {"may_be_wrong": bool(is_match and attempt.thumbnail)}
    return {
        "false_match": recorded,
        "raised_threshold": feedback.raised_threshold_of(recorded),
        "effect": effect_sentences(recorded.effect, recorded.person),
    }


def effect_sentences(effect: dict[str, int], person: Person | None) -> list[str]:
    """What a record would change, or changed when it was made. effect: the fields of feedback.Effect."""
    samples, attempts = effect.get("samples", 0), effect.get("attempts", 0)
    own = _("{name} has no second sample to try it on.")
    if samples:
        own = ngettext(
            "Of {count} sample of {name} that the others recognise, {lost} would not be recognised any more.",
            "Of {count} samples of {name} that the others recognise, {lost} would not be recognised any more.",
            samples,
        )
    past = _("No attempt in the history matched to {name} can be tried: no picture was kept, or none matches now.")
    if attempts:
        past = ngettext(
            "Of {count} attempt in the history matched to {name}, {lost} would no longer be a match.",
            "Of {count} attempts in the history matched to {name}, {lost} would no longer be a match.",
            attempts,
        )
    name = person or ERASED
    return [
        own.format(name=name, count=samples, lost=effect.get("samples_refused")),
        past.format(name=name, count=attempts, lost=effect.get("attempts_changed")),
    ]


def choices_of(form: PersonChoiceForm, nearest: list[tuple[Person, float]]) -> list[tuple[Person, float | None]]:
    """The people to choose from: those whom the typed words fit, then the nearest in the gallery with their scores."""
    scores = {person.pk: score for person, score in nearest}
    people = {person.pk: person for person in (*form.found, *(person for person, _ in nearest))}
    return [(person, scores.get(pk)) for pk, person in people.items()]
