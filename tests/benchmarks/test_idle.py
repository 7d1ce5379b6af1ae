from __future__ import annotations

import shutil

import pytest

from benchmarks import idle
from benchmarks.idle import Cost
from tests.support import skips


class TestMovements:
    def test_are_none_in_an_empty_scene_and_some_when_somebody_comes(self):
        if shutil.which("node") is None:
            skips.skip("node", "no node")
        scenes = [idle.empty_scene(number) for number in range(40)]
        assert idle.movements(scenes) == 0
        scenes[20][100:300, 200:400] = 220
        assert idle.movements(scenes) > 0


class TestReport:
    @pytest.mark.parametrize(("cpu_ms", "received", "met"), [(0.5, 1.0, True), (2.0, 1.0, False), (0.5, 4000.0, False)])
    def test_holds_bytes_and_cpu_to_one_hundredth_of_a_live_page(self, cpu_ms, received, met):
        live, kiosk = Cost(100.0, 300_000.0), Cost(cpu_ms, received)
        result = idle.report(live, kiosk, kiosks=50, looks=240, moved=0, peak_mb=200.0)
        assert result["goal_met"] is met

    def test_senseless_numbers_are_refused(self, tmp_path):
        with pytest.raises(ValueError, match="at least one kiosk"):
            idle.run_idle(models_dir=tmp_path, pack=None, kiosks=0, seconds=10)
