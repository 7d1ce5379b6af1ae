from __future__ import annotations

import json

from benchmarks import at_rest


class TestCompare:
    def test_reports_start_memory_and_search_in_plain_and_encrypted(self, monkeypatch, models_dir):
        monkeypatch.setenv("FACESITE_MODELS_DIR", str(models_dir))
        monkeypatch.setattr(at_rest, "ROUNDS", 1)
        report = at_rest.compare(400)
        assert report["templates"] == 400
        assert set(report["costs"]) == {"plain", "encrypted", "ratio"}
        assert all(value > 0 for row in report["costs"].values() for value in row.values())
        assert report["added_bytes_per_template"] > 0
        assert json.loads(json.dumps(report)) == report
