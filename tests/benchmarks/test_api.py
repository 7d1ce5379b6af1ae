from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from benchmarks import api
from benchmarks.api import Cost, Phase


class TestRun:
    def test_a_short_run_measures_all_three_loads_against_a_real_server(self, engine, shared_faces):
        result = api.run(faces=shared_faces / "eval", pictures=2, seconds=1.0, people=3, no_peer=True)
        assert result["pack"] == engine.pack.name
        assert list(result["phases"]) == ["unloaded", "crowd", "overload"]
        for phase in result["phases"].values():
            assert phase["answers_per_second"] > 0
            assert phase["errors"] == 0
        assert result["phases"]["crowd"]["refused"] > 0
        low, *_, high = result["cpu_ratios"]
        assert len(result["cpu_ratios"]) == api.SLICES
        assert low <= result["cpu_ratio"] <= high

    @pytest.mark.parametrize("senseless", [{"pictures": 0}, {"seconds": 0.0}, {"people": 0}])
    def test_senseless_numbers_are_refused(self, tmp_path, senseless):
        options = {"pictures": 1, "seconds": 1.0, "people": 1} | senseless
        with pytest.raises(ValueError, match="Measure with"):
            api.run(faces=tmp_path, **options)


class TestReport:
    @staticmethod
    def report(sent: int, p95: float, lost: int = 0) -> dict[str, Any]:
        phases = {
            "unloaded": Phase(1.0, 0.5, Counter({200: 50}), [10.0]),
            "crowd": Phase(1.0, 1.0, Counter({200: 100, 429: 50}), [30.0]),
            "overload": Phase(1.0, 1.0, Counter({200: 100, 429: sent - 100 - lost, 0: lost}), [p95]),
        }
        # Something else ran beside the first slice.
        costs = [Cost(30.0, 10.0, 9.0), Cost(10.0, 8.0, 8.0), Cost(10.0, 12.0, 5.0)]
        return api.report(phases, costs, pack="mobile", people=100)

    @pytest.mark.parametrize(("p95", "met"), [(29.0, True), (31.0, False)])
    def test_who_is_served_under_twice_the_load_must_not_have_waited(self, p95, met):
        result = self.report(200, p95)
        assert (result["overload_factor"], result["overload_goal_met"]) == (2.0, met)
        assert (result["cpu_ratio"], result["cpu_goal_met"]) == (1.25, True)

    def test_too_little_load_proves_nothing(self):
        assert self.report(150, 10.0)["overload_goal_met"] is None

    def test_a_refusal_is_no_error_but_silence_is(self):
        assert self.report(200, 10.0)["errors"] == 0
        assert self.report(200, 10.0, lost=3)["errors"] == 3
