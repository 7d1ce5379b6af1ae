"""Strict, balanced or relaxed: the false-match rates in plain words, for whoever reads no curves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from recognizer.calibration import Rate
from security.numbers import grouped
from verification.accuracy.calibration import MATED_NEEDED, Choice, SiteCalibration
from verification.cards import decimals, one_in
from verification.models import VerificationPolicy

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

Rates = VerificationPolicy.FalseMatchRate
WORDS: Final[dict[VerificationPolicy.FalseMatchRate, tuple[_StrOrPromise, _StrOrPromise]]] = {
    Rates.ONE_IN_100000: (
        gettext_lazy("Strict"),
        gettext_lazy(
            "For doors behind which something is at stake. Hardly anybody passes as somebody else, but more people "
            "have to look twice."
        ),
    ),
    Rates.ONE_IN_10000: (gettext_lazy("Balanced"), gettext_lazy("For most sites: few mistakes of either kind.")),
    Rates.ONE_IN_1000: (
        gettext_lazy("Relaxed"),
        gettext_lazy(
            "For a greeting, or where somebody looks at every answer. People are recognised more easily, and mistaken "
            "for one another more often."
        ),
    ),
}
"""The strictest first."""


@dataclass(frozen=True, slots=True)
class Level:
    """One card."""

    rate: str
    """A VerificationPolicy.FalseMatchRate."""
    title: _StrOrPromise
    text: _StrOrPromise
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
        return _("About {rate} strangers would pass as a given person.").format(rate=one_in(float(choice.rate)))
    if choice.false_alarms < 0.1:
        said = ngettext(
            "Of 10,000 strangers fewer than one would be taken for the person enrolled.",
            "Of 10,000 strangers fewer than one would be taken for one of the {people} people enrolled.",
            people,
        )
    else:
        said = ngettext(
            "Of 1,000 strangers about {number} would be taken for the person enrolled.",
            "Of 1,000 strangers about {number} would be taken for one of the {people} people enrolled.",
            people,
        )
    return said.format(people=grouped(people), number=_about(choice.false_alarms))


def _about(alarms: float) -> str:
    """One in a word, a few with a decimal, more as a whole number."""
    if 0.95 <= alarms < 1.05:
        return _("one")
    if alarms >= 10:
        return grouped(round(alarms))
    return decimals(alarms, 0 if f"{alarms:.1f}".endswith(".0") else 1)


def refused_sentence(fnmr: Rate) -> str:
    """Of the site's own pictures. Nothing is said of a rate from a handful of comparisons."""
    if fnmr.trials < MATED_NEEDED:
        return _("How often the right person is refused is not known yet: that takes people with two samples or more.")
    if fnmr.errors:
        said = _("{errors} of {pictures} pictures taken here would be refused although it is the right person.")
    else:
        said = _("None of {pictures} pictures taken here would be refused to the right person.")
    return said.format(errors=grouped(fnmr.errors), pictures=grouped(fnmr.trials))
