from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from enrollment.runtime.policy import current_policy as policy_of_enrolment
from recognizer.packs.manifest import Threshold
from recognizer.types import LivenessMode
from verification.policy import current_policy
from verification.services import save_policy

pytestmark = pytest.mark.django_db
THRESHOLDS = {1e-3: Threshold(0.25, 0.2), 1e-4: Threshold(0.31, 0.25), 1e-5: Threshold(0.37, 0.31)}


def engine_with(thresholds: dict[float, Threshold] = THRESHOLDS, *, checks_liveness: bool = True) -> Any:
    """current_policy() asks the engine for nothing but its pack."""
    return SimpleNamespace(
        pack=SimpleNamespace(name="test", thresholds=thresholds, checks_liveness=checks_liveness, population="on LFW")
    )


@pytest.fixture(autouse=True)
def no_override(settings) -> None:
    settings.FACESITE_LIVENESS = None


class TestCurrentPolicy:
    def test_before_anything_was_saved_it_is_1_in_10000_with_liveness_required(self):
        policy = current_policy(engine_with())
        assert (policy.fmr, policy.match_threshold, policy.uncertain_threshold) == (1e-4, 0.31, 0.25)
        assert policy.liveness == LivenessMode.REQUIRED

    def test_a_pack_that_cannot_check_liveness_is_not_asked_for_it_until_somebody_says_so(self, staff):
        engine = engine_with(checks_liveness=False)
        assert current_policy(engine).liveness == LivenessMode.ADVISORY
        save_policy(actor=staff, fmr="0.0001", liveness="required")
        assert current_policy(engine).liveness == LivenessMode.REQUIRED

    def test_what_was_saved_last_counts(self, staff):
        save_policy(actor=staff, fmr="0.001", liveness="off")
        save_policy(actor=staff, fmr="0.00001", liveness="advisory")
        policy = current_policy(engine_with())
        assert (policy.fmr, policy.match_threshold, policy.liveness) == (1e-5, 0.37, LivenessMode.ADVISORY)

    def test_the_environment_overrides_liveness_but_not_the_rate(self, staff, settings):
        save_policy(actor=staff, fmr="0.001", liveness="required")
        settings.FACESITE_LIVENESS = "off"
        policy = current_policy(engine_with())
        assert (policy.fmr, policy.liveness) == (1e-3, LivenessMode.OFF)

    @pytest.mark.parametrize(
        ("offered", "used"), [([1e-3, 1e-5], 1e-5), ([1e-2, 1e-3], 1e-3), ([1e-6], 1e-6), ([1e-4], 1e-4)]
    )
    def test_a_pack_without_that_rate_is_used_at_its_next_stricter_one(self, offered, used):
        engine = engine_with({rate: Threshold(0.3, 0.2) for rate in offered})
        assert current_policy(engine).fmr == used

    def test_enrolment_compares_with_the_same_policy(self, staff):
        save_policy(actor=staff, fmr="0.00001", liveness="off")
        assert policy_of_enrolment(engine_with()) == current_policy(engine_with())
