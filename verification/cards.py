"""A decision in words: what was decided about whom, and why. History, photo check and live page show the same card."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from enrollment.models import Person
from recognizer.reasons import CHALLENGE_FAILURES, Reason
from security.languages import in_english
from security.numbers import grouped
from verification.models import VerificationAttempt
from verification.policy import population_of, population_words
from verification.reasons import sentence_for, sentence_for_claim, sentence_for_photo

ERASED = gettext_lazy("an erased person")
LIVENESS_DOUBTS = {Reason.LIVENESS_UNCERTAIN, Reason.LIVENESS_UNAVAILABLE}
Mode, Verdict, Liveness = VerificationAttempt.Mode, VerificationAttempt.Verdict, VerificationAttempt.LivenessVerdict


@dataclass(frozen=True, slots=True)
class DecisionCard:
    """What a page shows of one decision."""

    verdict: str
    """One of VerificationAttempt.Verdict."""
    headline: str
    person: Person | None
    """The person to link to: the matched person, else the claimed one."""
    comparison_score: float | None
    """Cosine, -1..1; None: there was nobody to compare with."""
    match_threshold: float
    facts: tuple[tuple[str, str], ...]
    """Labels with their sentences, in reading order."""
    reasons: tuple[str, ...]
    """The reason codes as sentences."""


def card_of(attempt: VerificationAttempt, *, population: str | None = None) -> DecisionCard:
    """The card of an attempt, which need not be saved.

    population: DecisionPolicy.population of the decision; None: it is looked up, which may read the database.
    """
    if population is None:
        population = population_of(attempt)
    return DecisionCard(
        verdict=attempt.verdict,
        headline=headline_of(attempt),
        person=attempt.matched_person or attempt.claimed_person,
        comparison_score=attempt.comparison_score,
        match_threshold=attempt.match_threshold,
        facts=tuple(_facts(attempt, population)),
        reasons=reasons_in_words(attempt),
    )


def reasons_in_words(attempt: VerificationAttempt) -> tuple[str, ...]:
    """A sentence for each reason code: about a claim, or about a photograph where it is no camera's."""
    live = sentence_for if attempt.before_a_camera else sentence_for_photo
    say = sentence_for_claim if attempt.mode == Mode.VERIFY else live
    return tuple(say(code) for code in attempt.reasons)


def headline_of(attempt: VerificationAttempt) -> str:
    """The answer to the question that was asked, in a few words. Doubt about liveness is no doubt about who it is."""
    verify = attempt.mode == Mode.VERIFY
    claimed = str(attempt.claimed_person or ERASED)
    if attempt.verdict == Verdict.MATCH:
        if verify:
            return _("Yes, this is {name}").format(name=claimed)
        return _("This is {name}").format(name=attempt.matched_person or ERASED)
    if attempt.verdict == Verdict.NON_MATCH:
        return _("No, this is not {name}").format(name=claimed) if verify else _("Not recognised")
    if attempt.verdict == Verdict.ATTACK:
        return _("Not a live face")
    if CHALLENGE_FAILURES & set(attempt.reasons):
        return _("The head movements were not made")
    if LIVENESS_DOUBTS & set(attempt.reasons):
        return _("Not shown to be a live person")
    if verify:
        return _("It cannot be said whether this is {name}").format(name=claimed)
    return _("It cannot be said who this is")


def decimals(value: float, digits: int) -> str:
    """A measure with so many decimals, as the language writes it."""
    plain = f"{value:.{digits}f}"
    return plain if in_english() else number_format(Decimal(plain), digits)


def shortest(digits: str) -> str:
    """Digits that were rounded already, as the language writes them: "0.12" and "0,12"."""
    return number_format(Decimal(digits))


def one_in(rate: float) -> str:
    """A false-match rate in words: 0.0001 -> "1 in 10,000"."""
    return _("1 in {number}").format(number=grouped(round(1 / rate)))


def rate_in_words(fmr: float, population: str) -> str:
    """A false-match rate with what it was measured on: "1 in 10,000 comparisons on LFW"."""
    words = _("{rate} comparisons {population}") if population else _("{rate} comparisons")
    return words.format(rate=one_in(fmr), population=population_words(population))


def _facts(attempt: VerificationAttempt, population: str) -> list[tuple[str, str]]:
    facts = [(_("Comparison"), _comparison(attempt)), (_("Threshold"), _threshold(attempt, population))]
    if attempt.mode == Mode.IDENTIFY and attempt.comparison_score is not None:
        facts.append((_("Runner-up"), _runner_up(attempt.comparison_score, attempt.runner_up)))
    facts.append((_("Frames"), _frames(attempt)))
    facts.append((_("Liveness"), _liveness(attempt)))
    if attempt.quality_score is not None:
        facts.append(
            (_("Quality"), _("{score} on a scale from 0 to 1").format(score=decimals(attempt.quality_score, 2)))
        )
    return facts


def _comparison(attempt: VerificationAttempt) -> str:
    score, threshold = attempt.comparison_score, attempt.match_threshold
    if score is None:
        return _("There was nobody to compare with.")
    digits = 3
    while digits < 6 and score < threshold and f"{score:.{digits}f}" == f"{threshold:.{digits}f}":
        digits += 1  # else the page would say that a number is below the same number
    if score >= threshold:
        said = _("{score} reaches the {threshold} that a match needs.")
    else:
        said = _("{score} is below the {threshold} that a match needs.")
    return said.format(score=decimals(score, digits), threshold=decimals(threshold, digits))


def _threshold(attempt: VerificationAttempt, population: str) -> str:
    said = _threshold_words(bool(population), raised=_is_raised(attempt))
    return said.format(rate=one_in(attempt.fmr), population=population_words(population))


def _threshold_words(known: bool, *, raised: bool) -> str:
    """known: whether it is known what the rate was measured on."""
    if raised and known:
        return _(
            "Raised for faces like this one: stricter than what stands for {rate} comparisons of two different people "
            "{population}."
        )
    if raised:
        return _(
            "Raised for faces like this one: stricter than what stands for {rate} comparisons of two different people."
        )
    if known:
        return _("Set so that {rate} comparisons of two different people {population} would match by mistake.")
    return _("Set so that {rate} comparisons of two different people would match by mistake.")


def _is_raised(attempt: VerificationAttempt) -> bool:
    """Whether a recorded wrong match raised the threshold. (Where only the lead was too small, it is the policy's.)"""
    if Reason.THRESHOLD_RAISED in attempt.reasons:
        return True
    score = attempt.comparison_score
    return Reason.KNOWN_CONFUSION in attempt.reasons and score is not None and score < attempt.match_threshold


def _runner_up(best: float, runner_up: float | None) -> str:
    if runner_up is None:
        return _("Nobody else to compare with.")
    said = _("The next person has {score}: a lead of {lead}.")
    return said.format(score=decimals(runner_up, 3), lead=decimals(best - runner_up, 3))


def _frames(attempt: VerificationAttempt) -> str:
    if not attempt.before_a_camera:
        return _("One still picture.")
    said = _("{agreed} of {seen} compared frames agreed.")
    return said.format(agreed=attempt.frames_agreed, seen=attempt.frames_seen)


def _liveness(attempt: VerificationAttempt) -> str:
    if attempt.liveness_verdict == Liveness.NOT_CHECKED:
        return _("Not checked.")
    moved, score = Reason.CHALLENGE_PASSED in attempt.reasons, attempt.liveness_score
    said = {
        (False, False): _("{verdict}."),
        (False, True): _("{verdict} (liveness score {score}, from 0 to 1)."),
        (True, False): _("{verdict}, shown by head movements."),
        (True, True): _("{verdict}, shown by head movements (liveness score {score}, from 0 to 1)."),
    }[moved, score is not None]
    verdict = Liveness(attempt.liveness_verdict).label
    return said.format(verdict=verdict, score="" if score is None else decimals(score, 2))
