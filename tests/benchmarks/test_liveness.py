from __future__ import annotations

import pytest

from benchmarks import liveness
from tests.support.webcam import clip_frames


@pytest.fixture(scope="module")
def clips(shared_faces):
    names = ("real_T1", "spoof_F2", "no_face")
    return {name: list(clip_frames(shared_faces / "webcam" / f"{name}.mjpeg"))[:10] for name in names}


class TestTables:
    def test_tell_live_people_from_attacks(self, engine, clips):
        rows = list(liveness.score_table(engine, clips))[2:]
        assert rows[0].startswith("| real_T1 | 10 | 10 | 1.000 |")
        assert rows[0].endswith("| 100 % | 0 % | 0 % |")
        assert rows[1].endswith("| 0 % | 0 % | 100 % |")
        assert rows[2].startswith("| no_face | 10 | 0 |")

    def test_count_decisions_from_every_fifth_frame(self, engine, clips):
        assert list(liveness.decision_table(engine, clips))[2:] == [
            "| real_T1 | 2 | 2 | 0 | 0 | 0 | 0 |",
            "| spoof_F2 | 2 | 0 | 0 | 0 | 0 | 2 |",
            "| no_face | 0 | 0 | 0 | 0 | 0 | 0 |",
        ]

    def test_count_what_a_decided_stream_is_checked_for(self, engine, clips, monkeypatch):
        monkeypatch.setattr(liveness, "ROUNDS", 1)
        rows = list(liveness.cost_table(engine, clips))[2:]
        assert [row.split(" | ")[0] for row in rows] == ["| detection alone", "| liveness off", "| liveness required"]
        assert rows[1].endswith("| 0 of 300 |")
        assert not rows[2].endswith("| 0 of 300 |")
