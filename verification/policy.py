"""The decision policy in force: what was saved last, with the running pack's thresholds."""

from __future__ import annotations

from django.conf import settings

from enrollment.policy import DEFAULT_FMR
from recognizer.engine import FaceEngine
from recognizer.packs import Pack, policy_for
from recognizer.types import DecisionPolicy, LivenessMode
from verification.models import VerificationPolicy


def current_policy(engine: FaceEngine) -> DecisionPolicy:
    """One query; call it in a database thread. Raises PackUnknown when the pack has no threshold at all."""
    saved = VerificationPolicy.objects.order_by("-pk").first()
    fmr = float(saved.fmr) if saved else DEFAULT_FMR
    # The environment wins, so that a test or a trial with still pictures leaves the saved policy as it is.
    liveness = settings.FACESITE_LIVENESS or (saved.liveness if saved else LivenessMode.REQUIRED)
    return policy_for(engine.pack, _nearest_fmr(engine.pack, fmr), LivenessMode(liveness))


def _nearest_fmr(pack: Pack, fmr: float) -> float:
    """The pack's own rate for `fmr`, else the next stricter one, else its strictest."""
    strict_enough = [rate for rate in pack.thresholds if rate <= fmr * (1 + 1e-6)]
    return max(strict_enough, default=min(pack.thresholds, default=fmr))
