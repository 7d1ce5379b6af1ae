from __future__ import annotations

from typing import Any

import pytest

from benchmarks import live
from benchmarks.cameras import Phase


class TestRun:
    def test_a_short_run_measures_all_three_loads_against_a_real_server(self, engine, shared_faces):
        result = live.run(faces=shared_faces / "eval", sockets=2, seconds=1.0, people=3)
        assert result["pack"] == engine.pack.name
        assert list(result["phases"]) == ["full", "unloaded", "overload"]
        for phase in result["phases"].values():
            assert phase["answers_per_second"] > 0
            assert phase["p95_ms"] >= phase["p50_ms"] > 0
            assert phase["cpu_ms_per_answer"] > 0
            assert phase["errors"] == 0
        assert result["cpu_ratio"] == pytest.approx(result["cpu_ms_per_frame"] / result["raw_ms_per_frame"], rel=0.02)
        assert result["overload_factor"] > 0
        assert result["peak_memory_mb"] >= result["phases"]["overload"]["memory_mb_start"]

    def test_processes_are_compared_on_one_site(self, engine, shared_faces):
        result = live.run(faces=shared_faces / "eval", sockets=2, seconds=1.0, people=3, processes=[2])
        row = result["processes"]["2"]
        assert row["answers_per_second"] > 0
        assert (row["times"], row["errors"]) == (1.0, 0)

    @pytest.mark.parametrize("senseless", [{"sockets": 0}, {"processes": [0]}, {"seconds": 0.0}, {"people": -1}])
    def test_senseless_numbers_are_refused(self, tmp_path, senseless):
        options = {"sockets": 1, "seconds": 1.0, "people": 1} | senseless
        with pytest.raises(ValueError, match="Measure with"):
            live.run(faces=tmp_path, **options)

    def test_a_folder_without_pictures_is_said_so(self, tmp_path):
        with pytest.raises(ValueError, match="no pictures"):
            live.run(faces=tmp_path, sockets=1, seconds=1.0, people=1)


class TestReport:
    @staticmethod
    def report(sent_in_overload: int, p95: float) -> dict[str, Any]:
        phases = {
            "full": Phase(seconds=1.0, sent=100, answered=100, latencies_ms=[30.0]),
            "unloaded": Phase(seconds=1.0, sent=25, answered=25, latencies_ms=[10.0]),
            "overload": Phase(seconds=1.0, sent=sent_in_overload, answered=100, latencies_ms=[p95]),
        }
        return live.report(phases, raw_ms=5.0, peak_mb=200.0, sockets=4, pack="mobile")

    @pytest.mark.parametrize(("p95", "met"), [(29.0, True), (31.0, False)])
    def test_latency_under_twice_the_load_is_held_to_the_goal(self, p95, met):
        result = self.report(200, p95)
        assert (result["overload_factor"], result["overload_goal_met"]) == (2.0, met)

    def test_too_few_sockets_to_overload_the_server_prove_nothing(self):
        result = self.report(110, 11.0)
        assert result["overload_goal_met"] is None
        assert "more --sockets" in result["overload_note"]
