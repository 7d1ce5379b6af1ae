"""A decision in words: what was decided about whom, and why. History, photo check and live page show the same card."""

from __future__ import annotations

from dataclasses import dataclass

from enrollment.models import Person
from recognizer.reasons import CHALLENGE_FAILURES, Reason
from verification.models import VerificationAttempt
from verification.policy import population_of
from verification.reasons import sentence_for, sentence_for_claim, sentence_for_photo

ERASED = "an erased person"
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
        return f"Yes, this is {claimed}" if verify else f"This is {attempt.matched_person or ERASED}"
    if attempt.verdict == Verdict.NON_MATCH:
        return f"No, this is not {claimed}" if verify else "Not recognised"
    if attempt.verdict == Verdict.ATTACK:
        return "Not a live face"
    if CHALLENGE_FAILURES & set(attempt.reasons):
        return "The head movements were not made"
    if LIVENESS_DOUBTS & set(attempt.reasons):
        return "Not shown to be a live person"
    return f"It cannot be said whether this is {claimed}" if verify else "It cannot be said who this is"


def one_in(rate: float) -> str:
    """A false-match rate in words: 0.0001 -> "1 in 10,000"."""
    return f"1 in {round(1 / rate):,}"


def rate_in_words(fmr: float, population: str) -> str:
    """A false-match rate with what it was measured on: "1 in 10,000 comparisons on LFW"."""
    return " ".join(filter(None, (one_in(fmr), "comparisons", population)))


def _facts(attempt: VerificationAttempt, population: str) -> list[tuple[str, str]]:
    facts = [("Comparison", _comparison(attempt)), ("Threshold", _threshold(attempt, population))]
    if attempt.mode == Mode.IDENTIFY and attempt.comparison_score is not None:
        facts.append(("Runner-up", _runner_up(attempt.comparison_score, attempt.runner_up)))
    facts.append(("Frames", _frames(attempt)))
    facts.append(("Liveness", _liveness(attempt)))
    if attempt.quality_score is not None:
        facts.append(("Quality", f"{attempt.quality_score:.2f} on a scale from 0 to 1"))
    return facts


def _comparison(attempt: VerificationAttempt) -> str:
    score, threshold = attempt.comparison_score, attempt.match_threshold
    if score is None:
        return "There was nobody to compare with."
    reached = "reaches" if score >= threshold else "is below"
    digits = 3
    while digits < 6 and score < threshold and f"{score:.{digits}f}" == f"{threshold:.{digits}f}":
        digits += 1  # else the page would say that a number is below the same number
    return f"{score:.{digits}f} {reached} the {threshold:.{digits}f} that a match needs."


def _threshold(attempt: VerificationAttempt, population: str) -> str:
    rate = one_in(attempt.fmr)
    people = f"two different people {population}".rstrip()
    if _is_raised(attempt):
        return f"Raised for faces like this one: stricter than what stands for {rate} comparisons of {people}."
    return f"Set so that {rate} comparisons of {people} would match by mistake."


def _is_raised(attempt: VerificationAttempt) -> bool:
    """Whether a recorded wrong match raised the threshold. (Where only the lead was too small, it is the policy's.)"""
    if Reason.THRESHOLD_RAISED in attempt.reasons:
        return True
    score = attempt.comparison_score
    return Reason.KNOWN_CONFUSION in attempt.reasons and score is not None and score < attempt.match_threshold


def _runner_up(best: float, runner_up: float | None) -> str:
    if runner_up is None:
        return "Nobody else to compare with."
    return f"The next person has {runner_up:.3f}: a lead of {best - runner_up:.3f}."


def _frames(attempt: VerificationAttempt) -> str:
    if not attempt.before_a_camera:
        return "One still picture."
    return f"{attempt.frames_agreed} of {attempt.frames_seen} compared frames agreed."


def _liveness(attempt: VerificationAttempt) -> str:
    if attempt.liveness_verdict == Liveness.NOT_CHECKED:
        return "Not checked."
    score = "" if attempt.liveness_score is None else f" (liveness score {attempt.liveness_score:.2f}, from 0 to 1)"
    moved = ", shown by head movements" if Reason.CHALLENGE_PASSED in attempt.reasons else ""
    return f"{Liveness(attempt.liveness_verdict).label}{moved}{score}."
