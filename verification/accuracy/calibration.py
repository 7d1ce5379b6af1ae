"""What the site's own gallery says about each policy that can be chosen. Reads the database; writes nothing."""

from __future__ import annotations

import math
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from enrollment.runtime.gallery import current_gallery, mark_gallery_stale
from enrollment.samples.site_scores import SiteScores, site_scores
from recognizer.calibration import Rate, ScoreDistribution, comparisons_needed
from recognizer.decisions import policy_for_gallery
from recognizer.engine import FaceEngine
from recognizer.errors import TooFewPairs
from recognizer.packs.choosing import policy_for
from recognizer.search.galleries import Gallery
from recognizer.types import DecisionPolicy, LivenessMode
from verification.accuracy.closeness import Closeness, find_closeness
from verification.cards import rate_in_words
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
    """Active people with at least one searched sample."""
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


class KeptScores:
    """The last leave-one-out of this process: a form that is sent and the page after it look at the same gallery."""

    def __init__(self) -> None:
        self._kept: tuple[weakref.ref[Gallery], SiteScores] | None = None

    def get(self, engine: FaceEngine) -> SiteScores:
        """The scores; computed again when the gallery has changed. Blocking: seconds for a large gallery."""
        mark_gallery_stale()  # what was enrolled a moment ago counts
        gallery = current_gallery(engine)
        kept = self._kept
        if kept is None or kept[0]() is not gallery:
            kept = self._kept = weakref.ref(gallery), site_scores(engine.contract_id)
        return kept[1]


kept_scores = KeptScores()


def calibrate_site(engine: FaceEngine) -> SiteCalibration:
    """Measure the site's gallery by leave-one-out, kept until the gallery changes. Blocking. Raises PackUnknown."""
    scores = kept_scores.get(engine)
    policy = current_policy(engine)
    return SiteCalibration(
        people=scores.people,
        samples=scores.samples,
        gallery_people=scores.people,
        contract_id=engine.contract_id,
        distribution=scores.distribution,
        choices=tuple(_choice(engine, scores, rate) for rate in VerificationPolicy.FalseMatchRate),
        policy=policy,
        false_alarms=false_alarms_per_1000(policy, scores.people),
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
    return (
        f"To be sure of a false-match rate of 1 in {round(1 / fmr):,}, {needed:,} comparisons of different people are "
        f"needed, and this site has {there:,}. With {each:.1f} samples each that takes about {people:,} people; "
        f"{calibration.people:,} {'is' if calibration.people == 1 else 'are'} enrolled."
    )


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
        search_threshold=policy_for_gallery(policy, scores.people).match_threshold,
        false_alarms=false_alarms_per_1000(policy, scores.people),
        fmr=found.fmr(policy.match_threshold),
        fnmr=found.fnmr(policy.match_threshold),
        conclusion=conclude_rate(found.fmr(policy.match_threshold), fmr),
        site_threshold=own,
        site_fnmr=None if own is None else found.fnmr(own),
    )


def conclude_rate(measured: Rate, promised: float) -> str:
    """A sentence: what the site's comparisons say about a promised false-match rate, or that they are too few."""
    if measured.low > promised:
        return "More than promised: choose a stricter rate."
    if measured.trials < comparisons_needed(promised):
        return "Too few comparisons to say."
    if measured.high <= promised:
        return "The rate is kept here."
    return "Agrees with the rate."


def _doubts(calibration: SiteCalibration) -> list[str]:
    scores, found = calibration.distribution, []
    if len(scores.mated) < MATED_NEEDED:
        found.append(
            f"To say how often the right person is missed, {MATED_NEEDED} comparisons of the same person are needed, "
            f"and this site has {len(scores.mated)}. Give people two samples or more."
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
