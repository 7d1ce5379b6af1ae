"""The decision policy in force: what was saved last, with the running pack's thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from enrollment.runtime.policy import DEFAULT_FMR, default_liveness
from recognizer.calibration import false_alarms
from recognizer.decisions import policy_for_gallery
from recognizer.engine import FaceEngine
from recognizer.packs.choosing import policy_for
from recognizer.packs.manifest import Pack
from recognizer.types import DecisionPolicy, LivenessMode
from verification.models import VerificationPolicy


@dataclass(frozen=True, slots=True)
class SiteThreshold:
    """A match threshold that was measured on the site's own gallery."""

    match_threshold: float
    contract_id: str
    """With any other embedding space the model pack's own threshold counts."""
    evidence: Mapping[str, Any]
    """What it was measured on, for the history: counts and rates."""


def current_policy(engine: FaceEngine) -> DecisionPolicy:
    """One query; call it in a database thread. Raises PackUnknown when the pack has no threshold at all."""
    return policy_of(saved_policy(), engine)


def saved_policy() -> VerificationPolicy | None:
    """None: nobody has chosen one, the defaults count."""
    return VerificationPolicy.objects.select_related("saved_by").order_by("-pk").first()


def policy_history(limit: int = 20) -> list[VerificationPolicy]:
    """Newest first: the first one is in force."""
    return list(VerificationPolicy.objects.select_related("saved_by").order_by("-pk")[:limit])


def policy_of(saved: VerificationPolicy | None, engine: FaceEngine) -> DecisionPolicy:
    """What a saved policy means with this engine's pack. Raises PackUnknown."""
    fmr = float(saved.fmr) if saved else DEFAULT_FMR
    # The environment wins, so that a test or a trial with still pictures leaves the saved policy as it is.
    liveness = LivenessMode(settings.FACESITE_LIVENESS or (saved.liveness if saved else default_liveness(engine.pack)))
    if saved and saved.match_threshold is not None and saved.contract_id == engine.contract_id:
        return policy_for(engine.pack, fmr, liveness, match_threshold=saved.match_threshold)
    return policy_for(engine.pack, nearest_fmr(engine.pack, fmr), liveness)


def false_alarms_per_1000(policy: DecisionPolicy, people: int) -> float:
    """Of 1,000 strangers, how many a search among that many people is expected to name at the threshold it uses."""
    return false_alarms(policy_for_gallery(policy, people).fmr, people)


def nearest_fmr(pack: Pack, fmr: float) -> float:
    """The pack's own rate for `fmr`, else the next stricter one, else its strictest."""
    strict_enough = [rate for rate in pack.thresholds if rate <= fmr * (1 + 1e-6)]
    return max(strict_enough, default=min(pack.thresholds, default=fmr))
