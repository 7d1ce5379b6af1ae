from __future__ import annotations

import numpy as np
import pytest

from enrollment.hygiene import resuming
from enrollment.hygiene.resuming import KeptSteps
from recognizer.search.fit import Partway

HALF = Partway(1_024, np.array([[0.5, 3.0, 900.0]]), 0.5)


@pytest.fixture
def told() -> list[str]:
    return []


class TestKeptSteps:
    @pytest.fixture(autouse=True)
    def at_once(self, monkeypatch):
        monkeypatch.setattr(resuming, "EVERY_S", 0)

    def test_goes_on_where_it_was_stopped_and_says_so(self, tmp_path, told):
        KeptSteps("a", tmp_path / "state", told.append).note(HALF)
        assert told[-1].startswith("50% of all comparisons, about ")
        again = KeptSteps("a", tmp_path / "state", told.append)
        assert told[-1] == "Going on after 50% of all comparisons."
        assert again.since is not None
        assert (again.since.rows, again.since.share, again.since.hits.tolist()) == (1_024, 0.5, HALF.hits.tolist())

    def test_begins_anew_for_another_gallery_or_a_file_of_something_else(self, tmp_path, told):
        KeptSteps("a", tmp_path / "state", told.append).note(HALF)
        assert KeptSteps("b", tmp_path / "state", told.append).since is None
        (tmp_path / "state").write_bytes(b"PK\x03\x04 and then nothing")
        assert KeptSteps("a", tmp_path / "state", told.append).since is None

    def test_leaves_nothing_behind_when_it_is_done(self, tmp_path, told):
        steps = KeptSteps("a", tmp_path / "state", told.append)
        steps.note(HALF)
        steps.note(Partway(2_048, HALF.hits, 1.0))
        assert list(tmp_path.iterdir()) == []

    def test_without_a_file_it_is_only_told(self, told):
        KeptSteps("a", None, told.append).note(HALF)
        assert len(told) == 1
