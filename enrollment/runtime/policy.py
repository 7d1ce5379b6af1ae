"""The decision policy that enrolment compares with: verification owns it and registers it here."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings

from recognizer.engine import FaceEngine
from recognizer.packs.choosing import policy_for
from recognizer.packs.manifest import Pack
from recognizer.types import DecisionPolicy, LivenessMode

DEFAULT_FMR = 1e-4


def default_liveness(pack: Pack) -> LivenessMode:
    """Where nobody has chosen: required, unless the pack cannot check it, which pages then say."""
    return LivenessMode.REQUIRED if pack.checks_liveness else LivenessMode.ADVISORY


def default_policy(engine: FaceEngine) -> DecisionPolicy:
    liveness = LivenessMode(settings.FACESITE_LIVENESS or default_liveness(engine.pack))
    return policy_for(engine.pack, DEFAULT_FMR, liveness)


_source: Callable[[FaceEngine], DecisionPolicy] = default_policy


def use_policy_source(source: Callable[[FaceEngine], DecisionPolicy]) -> None:
    """Called once by verification's AppConfig.ready(): from then on the stored policy counts here too."""
    global _source
    _source = source


def current_policy(engine: FaceEngine) -> DecisionPolicy:
    """May query the database: call it in a database thread."""
    return _source(engine)
