from __future__ import annotations

import pytest

from benchmarks import live
from recognizer.images import decode_image


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
        assert result["peak_memory_mb"] >= result["phases"]["overload"]["memory_mb_start"]

    @pytest.mark.parametrize("senseless", [{"sockets": 0}, {"seconds": 0.0}, {"people": -1}])
    def test_senseless_numbers_are_refused(self, tmp_path, senseless):
        options = {"sockets": 1, "seconds": 1.0, "people": 1} | senseless
        with pytest.raises(ValueError, match="Measure with"):
            live.run(faces=tmp_path, **options)

    def test_a_folder_without_pictures_is_said_so(self, tmp_path):
        with pytest.raises(ValueError, match="no pictures"):
            live.run(faces=tmp_path, sockets=1, seconds=1.0, people=1)


class TestMakeStream:
    def test_frames_are_what_the_live_page_sends_and_differ_a_little(self, shared_faces):
        picture = (shared_faces / "portraits" / "obama.jpg").read_bytes()
        frames = live.make_stream(picture)
        assert len(set(frames)) == live.LIVELY
        assert decode_image(frames[0]).shape == (live.HEIGHT, live.WIDTH, 3)
