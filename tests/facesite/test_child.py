"""What one of several processes knows of itself and of the others."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from facesite.child import AWAY, VARIABLE, Counts, Place, my_place, share_of


def place(number: int, of: int, counts: int = -1) -> Place:
    return Place(number, of, (3,), 4, 5, counts, has_siblings=False)


class TestShareOf:
    @pytest.mark.parametrize(
        ("total", "of", "shares"), [(8, 2, [4, 4]), (7, 3, [3, 2, 2]), (2, 4, [1, 1, 1, 1]), (1, 1, [1])]
    )
    def test_the_threads_are_shared_out_and_each_has_one(self, monkeypatch, total, of, shares):
        found = []
        for number in range(of):
            monkeypatch.setenv(VARIABLE, place(number, of).environment()[VARIABLE])
            found.append(share_of(total))
        assert found == shares

    def test_a_process_alone_has_all_of_them(self, monkeypatch):
        monkeypatch.delenv(VARIABLE, raising=False)
        assert my_place() is None
        assert share_of(8) == 8


class TestCounts:
    def test_each_sees_what_the_others_have_open_unless_they_are_away(self, tmp_path: Path):
        file = os.open(tmp_path / "counts", os.O_RDWR | os.O_CREAT)
        os.truncate(file, 12)
        first, second, third = (Counts(place(number, 3, file)) for number in range(3))
        for counts, number in ((first, 7), (second, 0), (third, AWAY)):
            counts.tell(number)
        assert [list(counts.others()) for counts in (first, second, third)] == [[0], [7], [7, 0]]
        os.close(file)
