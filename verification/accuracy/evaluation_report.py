"""What an evaluation measured, as numbers ready for JSON: accuracy, error rates with intervals, failures to acquire."""

from __future__ import annotations

import hashlib
import math
from typing import Any

import numpy as np

from recognizer.calibration import Rate, ScoreDistribution, accuracy_at, cross_validate
from recognizer.errors import TooFewPairs
from recognizer.pipelines import SEED_DISTANCE
from verification.accuracy.evaluation import Pair, PipelineResult

FOLDS = 10
"""Folds where the list has none."""
TAR_AT = (1e-3, 1e-4, 1e-5)
"""False-match rates at which the true-accept rate is given."""


def report(result: PipelineResult, *, every_pair: bool = False) -> dict[str, Any]:
    """Everything measured, ready for JSON; None where there were no pairs to measure it on.

    every_pair: also the rates over all pictures with all others.
    """
    scores = result.distribution
    found = {
        **_accuracy(result),
        "match_threshold": result.match_threshold,
        **_rates(result, scores),
        "failure_to_acquire": {
            "count": len(result.failures),
            "rate": len(result.failures) / result.pictures,
            "pictures": [
                {"file": picture, "reason": code, "message": message}
                for picture, (code, message) in sorted(result.failures.items())
            ],
        },
        "pairs": {"listed": len(result.pairs), "used": int(result.used.sum()), **_counts(scores)},
        "pictures": result.pictures,
        "seconds": round(result.seconds, 2),
    }
    if result.name == "seed":
        found["seed_distance"] = SEED_DISTANCE
    if every_pair:
        everything = result.every_pair
        found["every_pair"] = {"pairs": _counts(everything), **_rates(result, everything)}
    return found


def _rates(result: PipelineResult, scores: ScoreDistribution) -> dict[str, Any]:
    fmr, fnmr = scores.fmr(result.match_threshold), scores.fnmr(result.match_threshold)
    thresholds: list[tuple[float | None, float]] = [*result.thresholds.items()] or [(None, result.match_threshold)]
    return {
        "fmr": _number(fmr.value),
        "fmr_interval": [fmr.low, fmr.high],
        "fnmr": _number(fnmr.value),
        "fnmr_interval": [fnmr.low, fnmr.high],
        "thresholds": [_threshold_row(rate, threshold, scores) for rate, threshold in thresholds],
        "tar_at_fmr": {f"{rate:g}": _tar(rate, scores) for rate in TAR_AT},
        "equal_error_rate": _equal_error_rate(scores),
    }


def _counts(scores: ScoreDistribution) -> dict[str, int]:
    return {"mated": len(scores.mated), "non_mated": len(scores.non_mated)}


def _accuracy(result: PipelineResult) -> dict[str, Any]:
    """`accuracy` is cross-validated as in the LFW tables, and `accuracy_method` says so.

    For the seed, whose threshold is fixed, and where the pairs are too few, it is the accuracy at match_threshold.
    """
    used = result.used
    scores, same = result.scores[used], np.array([pair.same for pair in result.pairs])[used]
    fixed = _number(accuracy_at(scores, same, result.match_threshold))
    found: dict[str, Any] = {
        "accuracy": fixed,
        "accuracy_method": "at match_threshold",
        "accuracy_at_threshold": fixed,
        "accuracy_cross_validated": None,
    }
    try:
        validated = cross_validate(scores, same, np.array([_fold_of(pair) for pair in result.pairs])[used])
    except TooFewPairs:
        return found
    folds = "the list's own folds" if result.pairs[0].fold is not None else f"{FOLDS} folds by a hash of each pair"
    found["accuracy_cross_validated"] = {
        "accuracy": validated.mean,
        "standard_error": validated.standard_error,
        "folds": folds,
        "thresholds": list(validated.thresholds),
    }
    if result.name != "seed":
        method = f"cross-validated over {folds}, each at the threshold that was best on the others"
        found |= {"accuracy": validated.mean, "accuracy_method": method}
    return found


def _fold_of(pair: Pair) -> int:
    """The list's fold, else one of FOLDS by a hash of the pair: the same in every run."""
    if pair.fold is not None:
        return pair.fold
    return hashlib.sha256("\0".join(sorted((pair.a, pair.b))).encode()).digest()[0] % FOLDS


def _threshold_row(target: float | None, threshold: float, scores: ScoreDistribution) -> dict[str, Any]:
    return {
        "target_fmr": target,
        "match_threshold": threshold,
        **_rate("fmr", scores.fmr(threshold)),
        **_rate("fnmr", scores.fnmr(threshold)),
    }


def _rate(name: str, rate: Rate) -> dict[str, Any]:
    """The rate, its 95 % interval and the counts behind it."""
    return {
        name: _number(rate.value),
        f"{name}_low": rate.low,
        f"{name}_high": rate.high,
        f"{name}_errors": rate.errors,
        f"{name}_pairs": rate.trials,
    }


def _tar(fmr: float, scores: ScoreDistribution) -> dict[str, Any]:
    """True-accept rate (1 - FNMR) at the threshold where the FMR of these scores is at most `fmr`."""
    threshold = scores.threshold_at(fmr)
    fnmr = scores.fnmr(threshold)
    try:
        scores.require_pairs(fmr)
        doubt = None
    except TooFewPairs as error:
        doubt = str(error)
    return {
        "tar": _number(1 - fnmr.value),
        "tar_low": 1 - fnmr.high,
        "tar_high": 1 - fnmr.low,
        "match_threshold": threshold,
        "enough_pairs": doubt is None,
        "doubt": doubt,
    }


def _equal_error_rate(scores: ScoreDistribution) -> dict[str, float] | None:
    try:
        point = scores.equal_error_rate()
    except TooFewPairs:
        return None
    return {"rate": (point.fmr + point.fnmr) / 2, "match_threshold": point.threshold}


def _number(value: float) -> float | None:
    """JSON knows no NaN."""
    return None if math.isnan(value) else value
