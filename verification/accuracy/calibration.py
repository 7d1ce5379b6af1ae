"""What the site's own gallery says about each policy that can be chosen. Reads the database; writes nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from enrollment.samples.site_scores import SiteScores
from recognizer.calibration import Rate, ScoreDistribution, comparisons_needed
from recognizer.decisions import policy_for_gallery
from recognizer.engine import FaceEngine
from recognizer.errors import TooFewPairs
from recognizer.packs.choosing import policy_for
from recognizer.types import DecisionPolicy, LivenessMode
from security.numbers import grouped
from verification.accuracy.closeness import Closeness, find_closeness
from verification.accuracy.kept_scores import kept_scores
from verification.cards import decimals, one_in, rate_in_words
from verification.models import VerificationPolicy
from verification.policy import SiteThreshold, current_policy, false_alarms_per_1000, nearest_fmr

MATED_NEEDED = 30
"""Fewest comparisons of the same person for a false-non-match rate: without an error it is then below 12 %."""
SLIDER_STEP = 0.005
"""Cosine between two places of the slider."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One false-match rate that the policy may have, and what is known of it here."""

    rate: str
    """A VerificationPolicy.FalseMatchRate."""
    label: str
    match_threshold: float
    """The pack's threshold for this rate, a cosine."""
    population: str
    """What the pack's threshold was measured on: "on LFW"."""
    search_threshold: float
    """What a search among everybody enrolled needs; larger than match_threshold in a large gallery."""
    false_alarms: float
    """How many of 1,000 strangers such a search is expected to name."""
    fmr: Rate
    """Measured at match_threshold, among the site's own people."""
    fnmr: Rate
    """Measured likewise."""
    conclusion: str
    """A sentence from conclude_rate()."""
    site_threshold: float | None
    """The threshold that the site's own scores give for this rate; None: they are too few."""
    site_fnmr: Rate | None
    """Measured at site_threshold."""


@dataclass(frozen=True, slots=True)
class SiteCalibration:
    """What the site's own gallery says about recognition and its policy."""

    people: int
    """Active people with at least one searched sample; of very many, an even part."""
    samples: int
    """Their searched samples."""
    gallery_people: int
    """People whom a search compares with."""
    contract_id: str
    distribution: ScoreDistribution
    choices: tuple[Choice, ...]
    policy: DecisionPolicy
    """The policy in force."""
    false_alarms: float
    """How many of 1,000 strangers a search under that policy is expected to name."""
    closeness: Closeness
    """Who is close to whom."""

    @property
    def rate(self) -> str:
        """The policy's false-match rate in words, with what it was measured on."""
        return rate_in_words(self.policy.fmr, self.policy.population)

    @property
    def drawable(self) -> bool:
        """Whether there are scores of both kinds, so that the charts can be drawn."""
        return bool(len(self.distribution.mated) and len(self.distribution.non_mated))

    @property
    def doubts(self) -> tuple[str, ...]:
        """Sentences: what cannot be concluded, and how much data that would take."""
        return tuple(_doubts(self))


def calibrate_site(engine: FaceEngine) -> SiteCalibration:
    """Measure the site's gallery by leave-one-out, kept until the gallery changes. Blocking. Raises PackUnknown."""
    return _calibration(engine, kept_scores.get(engine))


def calibrate_soon(engine: FaceEngine) -> SiteCalibration | None:
    """What was measured last; a large gallery that has changed is measured meanwhile. None: it was never measured.

    `kept_scores.share` then says how far that is. Raises PackUnknown.
    """
    scores = kept_scores.ask(engine)
    return _calibration(engine, scores) if scores else None


def _calibration(engine: FaceEngine, scores: SiteScores) -> SiteCalibration:
    policy = current_policy(engine)
    return SiteCalibration(
        people=scores.people,
        samples=scores.samples,
        gallery_people=scores.everybody,
        contract_id=engine.contract_id,
        distribution=scores.distribution,
        choices=tuple(_choice(engine, scores, rate) for rate in VerificationPolicy.FalseMatchRate),
        policy=policy,
        false_alarms=false_alarms_per_1000(policy, scores.everybody),
        closeness=find_closeness(scores, policy),
    )


def site_threshold(calibration: SiteCalibration, rate: str) -> SiteThreshold:
    """The threshold that the site's own scores give for that rate, with the evidence for it. Raises TooFewPairs.

    rate: one of VerificationPolicy.FalseMatchRate.
    """
    choice = next(one for one in calibration.choices if one.rate == rate)
    if choice.site_threshold is None:
        raise TooFewPairs(too_few_sentence(calibration, float(rate)))
    return SiteThreshold(choice.site_threshold, calibration.contract_id, _evidence(calibration, choice.site_threshold))


def too_few_sentence(calibration: SiteCalibration, fmr: float) -> str:
    """A sentence: how many comparisons that rate takes, how many there are, and about how many people are needed."""
    needed, there = comparisons_needed(fmr), len(calibration.distribution.non_mated)
    each = calibration.samples / calibration.people if calibration.people else 5.0
    people = people_needed(needed, each)
    wanted = _(
        "To be sure of a false-match rate of {rate}, {needed} comparisons of different people are needed, and this "
        "site has {there}."
    ).format(rate=one_in(fmr), needed=grouped(needed), there=grouped(there))
    takes = ngettext(
        "With {each} samples each that takes about {people} people; {count} is enrolled.",
        "With {each} samples each that takes about {people} people; {count} are enrolled.",
        calibration.people,
    ).format(each=decimals(each, 1), people=grouped(people), count=grouped(calibration.people))
    return f"{wanted} {takes}"


def people_needed(comparisons: int, samples_each: float) -> int:
    """The fewest people whose samples, each compared with everybody else, make that many comparisons."""
    return math.ceil((1 + math.sqrt(1 + 4 * comparisons / samples_each)) / 2)


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a threshold would have done with the site's own comparisons."""

    threshold: float
    """Cosine."""
    false_matches: int
    """Comparisons of different people that would match."""
    false_non_matches: int
    """Comparisons of the same person that would not match."""


def predictions(calibration: SiteCalibration) -> list[Prediction]:
    """One for each place of the slider, by ascending threshold: every SLIDER_STEP, and the choices' thresholds."""
    scores = calibration.distribution
    own = [choice.match_threshold for choice in calibration.choices]
    low, high = min(0.0, *own), max(0.8, *own)
    even = [round(low + SLIDER_STEP * step, 4) for step in range(round((high - low) / SLIDER_STEP) + 1)]
    places = sorted({*even, *own})
    return [Prediction(place, *scores.errors_at(place)) for place in places]


def _choice(engine: FaceEngine, scores: SiteScores, rate: VerificationPolicy.FalseMatchRate) -> Choice:
    fmr, found = float(rate.value), scores.distribution
    policy = policy_for(engine.pack, nearest_fmr(engine.pack, fmr), LivenessMode.OFF)
    try:
        # Rounded up: the threshold that is shown and stored never allows more than the measured one.
        own: float | None = math.ceil(found.sure_threshold_at(fmr) * 10_000) / 10_000
    except TooFewPairs:
        own = None
    return Choice(
        rate=rate.value,
        label=str(rate.label),
        match_threshold=policy.match_threshold,
        population=policy.population,
        search_threshold=policy_for_gallery(policy, scores.everybody).match_threshold,
        false_alarms=false_alarms_per_1000(policy, scores.everybody),
        fmr=found.fmr(policy.match_threshold),
        fnmr=found.fnmr(policy.match_threshold),
        conclusion=conclude_rate(found.fmr(policy.match_threshold), fmr),
        site_threshold=own,
        site_fnmr=None if own is None else found.fnmr(own),
    )


def conclude_rate(measured: Rate, promised: float) -> str:
    """A sentence: what the site's comparisons say about a promised false-match rate, or that they are too few."""
    if measured.low > promised:
        return _("More than promised: choose a stricter rate.")
    if measured.trials < comparisons_needed(promised):
        return _("Too few comparisons to say.")
    if measured.high <= promised:
        return _("The rate is kept here.")
    return _("Agrees with the rate.")


def _doubts(calibration: SiteCalibration) -> list[str]:
    scores, found = calibration.distribution, []
    if len(scores.mated) < MATED_NEEDED:
        found.append(
            _(
                "To say how often the right person is missed, {needed} comparisons of the same person are needed, and "
                "this site has {there}. Give people two samples or more."
            ).format(needed=MATED_NEEDED, there=len(scores.mated))
        )
    unsure = [
        choice for choice in calibration.choices if len(scores.non_mated) < comparisons_needed(float(choice.rate))
    ]
    return [*found, *(too_few_sentence(calibration, float(choice.rate)) for choice in unsure)]


def _evidence(calibration: SiteCalibration, threshold: float) -> Mapping[str, Any]:
    scores = calibration.distribution
    return {
        "people": calibration.people,
        "samples": calibration.samples,
        "fmr": _numbers(scores.fmr(threshold)),
        "fnmr": _numbers(scores.fnmr(threshold)),
    }


def _numbers(rate: Rate) -> dict[str, float]:
    return {"errors": rate.errors, "comparisons": rate.trials, "low": rate.low, "high": rate.high}
