from __future__ import annotations

from dataclasses import replace

import pytest

from enrollment.hooks import hooks
from enrollment.runtime import policy
from recognizer.types import DecisionPolicy, LivenessMode


@pytest.fixture(autouse=True)
def _nobody_registered(monkeypatch):
    monkeypatch.setattr(hooks, "policy", None)


class TestCurrentPolicy:
    def test_is_the_packs_at_one_in_ten_thousand_by_default(self, engine):
        found = policy.current_policy(engine)
        assert (found.fmr, found.match_threshold) == (1e-4, engine.pack.thresholds[1e-4].match)
        assert found.liveness == policy.default_liveness(engine.pack)

    def test_asks_for_liveness_by_default_where_the_pack_can_check_it(self, pack):
        assert policy.default_liveness(replace(pack, files=())) == LivenessMode.ADVISORY
        nets = (replace(pack.detector, role="liveness"),)
        assert policy.default_liveness(replace(pack, files=nets)) == LivenessMode.REQUIRED

    def test_follows_the_environment_in_liveness(self, engine, settings):
        settings.FACESITE_LIVENESS = "off"
        assert policy.current_policy(engine).liveness == LivenessMode.OFF

    def test_is_whatever_verification_registered(self, engine, monkeypatch):
        stored = DecisionPolicy(match_threshold=0.5, uncertain_threshold=0.4, fmr=1e-5)
        monkeypatch.setattr(hooks, "policy", lambda engine: stored)
        assert policy.current_policy(engine) is stored
