from __future__ import annotations

import itertools
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from benchmarks import pipeline
from benchmarks.sample import read_pictures


@pytest.fixture
def faces(engine, shared_faces: Path) -> Path:
    return shared_faces / "eval"


class TestRun:
    def test_reports_every_stage_beside_the_bare_models(self, faces):
        result = pipeline.run(faces=faces, limit=3, rounds=2, templates=50)
        stages = result["stages_ms"]

        assert set(stages) == {*pipeline.STAGES, "total", *pipeline.RAW, *pipeline.BESIDE}
        assert all(0 < stage["median"] <= stage["p95"] for stage in stages.values())
        assert (result["pictures"], result["measurements"]) == (3, 6)
        assert result["goal_reached"] is (result["overhead"] <= result["goal"])

    def test_overhead_is_the_whole_way_over_the_models_alone(self, faces, monkeypatch):
        ticks = itertools.count()
        monkeypatch.setattr(pipeline, "time", SimpleNamespace(perf_counter=lambda: next(ticks) / 1000))
        result = pipeline.run(faces=faces, limit=2, rounds=1, templates=50)

        # A millisecond passes between any two looks at the clock: two looks for each stage, and one more at the end.
        whole, alone = 2 * len(pipeline.STAGES) + 1, len(pipeline.RAW)
        assert result["stages_ms"]["total"]["median"] == pytest.approx(whole)
        assert result["overhead"] == round(whole / alone, 3)
        assert not result["goal_reached"]

    def test_says_when_no_picture_has_a_face(self, engine, tmp_path):
        (tmp_path / "empty.png").write_bytes(cv2.imencode(".png", np.zeros((64, 64, 3), np.uint8))[1].tobytes())

        with pytest.raises(ValueError, match="No face"):
            pipeline.run(faces=tmp_path, limit=3, rounds=1, templates=5)


class TestReadPictures:
    def test_spreads_over_the_folder(self, faces):
        assert len(set(read_pictures(faces, 10))) == 10

    def test_takes_what_there_is(self, tmp_path):
        (tmp_path / "one.JPG").write_bytes(b"1")
        (tmp_path / "notes.txt").write_bytes(b"2")

        assert read_pictures(tmp_path, 5) == [b"1"]

    def test_says_which_folder_has_none(self, tmp_path):
        with pytest.raises(ValueError, match="--faces"):
            read_pictures(tmp_path, 5)
