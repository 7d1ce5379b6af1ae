"""A pack's thresholds from measured scores, for models/local.toml."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

from recognizer.calibration import ScoreDistribution
from recognizer.decisions import threshold_for
from recognizer.errors import TooFewPairs

RATES = (1e-2, 1e-3, 1e-4, 1e-5)
"""False-match rates that every pack states thresholds for. A rate's uncertain range begins at the threshold of ten
times that rate."""
FEWEST_MEASURED = 2
"""Rates that must be measured. The others lie on the line through them, linear in the logarithm of the rate."""


@dataclass(frozen=True, slots=True)
class DerivedThresholds:
    """A pack's thresholds, and what they rest on."""

    match: dict[float, float]
    """False-match rate -> cosine with three decimals, rounded up: no looser than what was measured."""
    measured: tuple[float, ...]
    """The rates whose thresholds were measured."""
    comparisons: int
    """Number of comparisons of different people."""

    @property
    def extended(self) -> tuple[float, ...]:
        """The rates whose thresholds lie on the line through the measured ones."""
        return tuple(rate for rate in self.match if rate not in self.measured)

    def source(self, pairs: str, on: date) -> str:
        """The pack's sentence about where its thresholds come from. pairs: what they were measured on."""
        measured = ", ".join(f"{rate:g}" for rate in self.measured)
        extended = ", ".join(f"{rate:g}" for rate in self.extended)
        line = f"; {extended} on the line through them (too few comparisons to measure more)" if extended else ""
        return f"{self.comparisons:,} comparisons of different people of {pairs} on {on}: {measured} measured{line}"


def derive_thresholds(scores: ScoreDistribution) -> DerivedThresholds:
    """A threshold for each of RATES. Raises TooFewPairs when not even the loosest two can be measured."""
    measured = {rate: _rounded_up(scores.threshold_at(rate)) for rate in RATES if _is_enough(scores, rate)}
    if len(measured) < FEWEST_MEASURED:
        scores.require_pairs(RATES[FEWEST_MEASURED - 1])
    match: dict[float, float] = {}
    for rate in RATES:
        value = measured[rate] if rate in measured else _rounded_up(threshold_for(rate, [*measured.items()]))
        match[rate] = min(max(value, *match.values(), -0.999), 0.999)
    return DerivedThresholds(match, tuple(measured), len(scores.non_mated))


def _is_enough(scores: ScoreDistribution, rate: float) -> bool:
    try:
        scores.require_pairs(rate)
    except TooFewPairs:
        return False
    return True


def _rounded_up(threshold: float) -> float:
    return math.ceil(threshold * 1_000) / 1_000
