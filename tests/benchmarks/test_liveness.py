from __future__ import annotations

import numpy as np
import pytest

from benchmarks import liveness
from benchmarks.replays import SCREENS, cut_to_room, film
from recognizer.stages.liveness import surroundings_of
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

    def test_hold_the_camera_closer_to_people_attacks_and_screens(self, engine, clips, shared_faces, monkeypatch):
        monkeypatch.setattr(liveness, "ROOMS", (1.2,))
        monkeypatch.setattr(liveness, "SCREENS", SCREENS[1:2])
        frames = list(clip_frames(shared_faces / "webcam" / "real_male.mjpeg"))[:10]
        rows = list(liveness.closer_table(engine, {"real_male": frames, **clips}))[2:]
        assert [row.split(" | ")[:3] for row in rows] == [
            ["| live", "1.2", "2"],
            ["| live", "as it is", "2"],
            ["| attack", "1.2", "1"],
            ["| attack", "as it is", "1"],
            ["| re-shot, tablet screen", "1.2", "2"],
            ["| re-shot, tablet screen", "as it is", "2"],
        ]
        assert all(" | 0: 0.0 % to " in row for row in rows[:4])


class TestReplays:
    @pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.name)
    def test_show_the_same_face_on_a_screen_that_fills_the_picture(self, engine, clips, screen):
        image = clips["real_T1"][0]
        shot = film(image, screen, np.random.default_rng(1))
        assert shot.shape == (480, 640, 3)
        before, after = (engine.embed([engine.align(one, engine.detect(one)[0])])[0] for one in (image, shot))
        assert float(before @ after) > engine.pack.thresholds[1e-4].match

    @pytest.mark.parametrize("room", [1.4, 2.0])
    def test_a_closer_cut_has_the_room_that_was_asked_for(self, engine, clips, room):
        image = clips["real_T1"][0]
        cut = cut_to_room(image, engine.detect(image)[0].box_xyxy, room)
        assert surroundings_of(cut, engine.detect(cut)[0].box_xyxy) == pytest.approx(room, rel=0.1)
