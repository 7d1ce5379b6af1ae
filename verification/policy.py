"""The decision policy in force: what was saved last, with the running pack's thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from enrollment.runtime.engine import engine_if_ready
from enrollment.runtime.policy import DEFAULT_FMR, default_liveness
from recognizer.calibration import false_alarms
from recognizer.decisions import policy_for_gallery
from recognizer.engine import FaceEngine
from recognizer.errors import PackError
from recognizer.packs.choosing import IN_OWN_GALLERY, policy_for
from recognizer.packs.manifest import ON_LFW, ON_LFW_WITH_OTHERS, ON_OWN_PAIRS, Manifest, Pack
from recognizer.types import DecisionPolicy, LivenessMode
from verification.models import VerificationAttempt, VerificationPolicy

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

POPULATIONS: Final[dict[str, _StrOrPromise]] = {
    ON_LFW: _("on LFW"),
    ON_LFW_WITH_OTHERS: _("on LFW (by other models)"),
    ON_OWN_PAIRS: _("on this site's own labelled pairs"),
    IN_OWN_GALLERY: _("in this site's own gallery"),
}
"""What rates are measured on, as the engine names it. A pack may name something else: then its own words stand."""


@dataclass(frozen=True, slots=True)
class SiteThreshold:
    """A match threshold that was measured on the site's own gallery."""

    match_threshold: float
    contract_id: str
    """The embedding space that it holds for; in any other the model pack's threshold counts."""
    evidence: Mapping[str, Any]
    """Counts and rates that it was measured on, for the history."""


@dataclass(frozen=True, slots=True)
class PolicyInForce:
    """What decides now, and which saved policy that comes from."""

    policy: DecisionPolicy
    saved_id: int | None
    """Primary key; None: nobody has saved one, so these are the defaults."""


@dataclass(frozen=True, slots=True)
class Grounds:
    """What a decision rests on beside the face: with these it can be explained, and repeated, later."""

    contract_id: str
    """The embedding space: model, preprocessing and metric."""
    gallery_revision: int
    """Who could be named, and by which templates."""
    policy_id: int | None
    """PolicyInForce.saved_id."""


def policy_in_force(engine: FaceEngine) -> PolicyInForce:
    """One query: call it in a database thread. Raises PackUnknown: a pack without thresholds."""
    saved = saved_policy()
    return PolicyInForce(policy_of(saved, engine), saved.pk if saved else None)


def current_policy(engine: FaceEngine) -> DecisionPolicy:
    """The policy in force. One query: call it in a database thread. Raises PackUnknown: a pack without thresholds."""
    return policy_in_force(engine).policy


def saved_policy() -> VerificationPolicy | None:
    """The policy that was saved last. None: nobody has saved one, so the defaults count."""
    return VerificationPolicy.objects.select_related("saved_by").order_by("-pk").first()


def policy_facts(saved: VerificationPolicy) -> dict[str, Any]:
    """Its settings for the audit trail."""
    names = ("fmr", "liveness", "match_threshold", "contract_id")
    return {"policy": saved.pk} | {name: getattr(saved, name) for name in names}


def policy_history(limit: int = 20) -> list[VerificationPolicy]:
    """Newest first: the first one is in force."""
    return list(VerificationPolicy.objects.select_related("saved_by").order_by("-pk")[:limit])


def policy_of(saved: VerificationPolicy | None, engine: FaceEngine) -> DecisionPolicy:
    """What a saved policy (None: the defaults) means with this engine's pack. Raises PackUnknown."""
    fmr = float(saved.fmr) if saved else DEFAULT_FMR
    # The environment wins: so a test, or a trial with still pictures, need not change the saved policy.
    liveness = LivenessMode(settings.FACESITE_LIVENESS or (saved.liveness if saved else default_liveness(engine.pack)))
    if saved and saved.match_threshold is not None and saved.contract_id == engine.contract_id:
        return policy_for(engine.pack, fmr, liveness, match_threshold=saved.match_threshold)
    return policy_for(engine.pack, nearest_fmr(engine.pack, fmr), liveness)


def population_of(attempt: VerificationAttempt) -> str:
    """What the rate of an attempt's threshold was measured on: "on LFW". Empty where its model pack is gone.

    Reads the policy unless it is loaded, and for a pack that is not in use the manifest.
    """
    saved = attempt.policy
    if saved and saved.match_threshold is not None and saved.contract_id == attempt.contract_id:
        return IN_OWN_GALLERY
    engine = engine_if_ready()
    if engine and engine.contract_id == attempt.contract_id:
        return engine.pack.population
    try:
        packs = Manifest.load(settings.FACESITE_MODELS_DIR).packs.values()
    except PackError:
        return ""
    return next((pack.population for pack in packs if pack.contract_id == attempt.contract_id), "")


def population_words(population: str) -> str:
    """DecisionPolicy.population in the reader's language."""
    return str(POPULATIONS.get(population, population))


def false_alarms_per_1000(policy: DecisionPolicy, people: int) -> float:
    """How many of 1,000 strangers a search among that many people is expected to name, at the threshold it uses."""
    return false_alarms(policy_for_gallery(policy, people).fmr, people)


def nearest_fmr(pack: Pack, fmr: float) -> float:
    """The pack's rate for `fmr`, else its next stricter rate, else its strictest."""
    strict_enough = [rate for rate in pack.thresholds if rate <= fmr * (1 + 1e-6)]
    return max(strict_enough, default=min(pack.thresholds, default=fmr))
