"""Strict, balanced or relaxed: the false-match rates in plain words, for whoever reads no curves."""

from __future__ import annotations

from dataclasses import dataclass

from recognizer.calibration import Rate
from verification.accuracy.calibration import MATED_NEEDED, Choice, SiteCalibration
from verification.cards import one_in
from verification.models import VerificationPolicy

Rates = VerificationPolicy.FalseMatchRate
WORDS = {
    Rates.ONE_IN_100000: (
        "Strict",
        "For doors behind which something is at stake. Hardly anybody passes as somebody else, but more people have to "
        "look twice.",
    ),
    Rates.ONE_IN_10000: ("Balanced", "For most sites: few mistakes of either kind."),
    Rates.ONE_IN_1000: (
        "Relaxed",
        "For a greeting, or where somebody looks at every answer. People are recognised more easily, and mistaken for "
        "one another more often.",
    ),
}
"""The strictest first."""


@dataclass(frozen=True, slots=True)
class Level:
    """One card."""

    rate: str
    """A VerificationPolicy.FalseMatchRate."""
    title: str
    text: str
    false_matches: str
    """A sentence: how often somebody passes as another."""
    refused: str
    """A sentence: how often the right person is not recognised."""
    chosen: bool
    keeps_site_threshold: bool
    """The site's own threshold is in use, and there is one for this rate, too."""


def levels_of(found: SiteCalibration, *, site_threshold: bool) -> list[Level]:
    """A card for each rate. site_threshold: whether the saved policy uses the site's own."""
    choices = {choice.rate: choice for choice in found.choices}
    return [
        Level(
            rate=rate.value,
            title=title,
            text=text,
            false_matches=false_matches_sentence(choices[rate.value], found.gallery_people),
            refused=refused_sentence(choices[rate.value].fnmr),
            chosen=abs(found.policy.fmr / float(rate.value) - 1) < 1e-6,
            keeps_site_threshold=site_threshold and choices[rate.value].site_threshold is not None,
        )
        for rate, (title, text) in WORDS.items()
    ]


def false_matches_sentence(choice: Choice, people: int) -> str:
    """Of strangers in a search among everybody, by the pack's figures; with nobody enrolled, of one comparison."""
    if not people:
        return f"About {one_in(float(choice.rate))} strangers would pass as a given person."
    alarms, them = choice.false_alarms, "the person" if people == 1 else f"one of the {people:,} people"
    if alarms < 0.1:
        return f"Of 10,000 strangers fewer than one would be taken for {them} enrolled."
    number = "one" if 0.95 <= alarms < 1.05 else f"{alarms:.1f}".removesuffix(".0") if alarms < 10 else f"{alarms:,.0f}"
    return f"Of 1,000 strangers about {number} would be taken for {them} enrolled."


def refused_sentence(fnmr: Rate) -> str:
    """Of the site's own pictures. Nothing is said of a rate from a handful of comparisons."""
    if fnmr.trials < MATED_NEEDED:
        return "How often the right person is refused is not known yet: that takes people with two samples or more."
    if not fnmr.errors:
        return f"None of {fnmr.trials:,} pictures taken here would be refused to the right person."
    return f"{fnmr.errors:,} of {fnmr.trials:,} pictures taken here would be refused although it is the right person."
