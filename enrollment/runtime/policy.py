"""The decision policy that enrolment compares with: the one saved by verification, else the defaults."""

from __future__ import annotations

from django.conf import settings

from enrollment.hooks import hooks
from recognizer.engine import FaceEngine
from recognizer.packs.choosing import policy_for
from recognizer.packs.manifest import Pack
from recognizer.types import DecisionPolicy, LivenessMode

DEFAULT_FMR = 1e-4


def default_liveness(pack: Pack) -> LivenessMode:
    """Where nobody has chosen: required, unless the pack cannot check liveness, which pages then say."""
    return LivenessMode.REQUIRED if pack.checks_liveness else LivenessMode.ADVISORY


def default_policy(engine: FaceEngine) -> DecisionPolicy:
    """The pack's thresholds for DEFAULT_FMR. Raises PackUnknown when the pack has none for that rate."""
    liveness = LivenessMode(settings.FACESITE_LIVENESS or default_liveness(engine.pack))
    return policy_for(engine.pack, DEFAULT_FMR, liveness)


def current_policy(engine: FaceEngine) -> DecisionPolicy:
    """The policy in force. May query the database: call it in a database thread. Raises PackUnknown."""
    return (hooks.policy or default_policy)(engine)
