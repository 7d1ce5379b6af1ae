from __future__ import annotations

import pytest

from benchmarks import records


class TestRun:
    def test_erases_every_picture_and_exports_every_row(self, engine, shared_faces):
        result = records.run(faces=shared_faces / "eval", pictures=120, rows=300)
        assert result["retention"]["batches"] >= 2
        assert result["retention"]["batch_longest_ms"] >= result["retention"]["batch_p50_ms"] > 0
        assert result["export"]["lines"] > 300
        assert result["export"]["live_p95_ms"] >= result["export"]["live_p50_ms"] > 0

    def test_senseless_numbers_are_refused(self, tmp_path):
        with pytest.raises(ValueError, match="Measure with"):
            records.run(faces=tmp_path, pictures=10, rows=5)
