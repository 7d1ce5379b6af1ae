from __future__ import annotations

from io import StringIO

import pytest

from enrollment.management.progress import ERASE, ProgressLine, describe, time_left


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


class TestProgressLine:
    def test_draws_now_and_then_and_always_the_last_step(self):
        times = iter([0.0, 1.0, 1.1, 1.2, 1.25])
        terminal = Terminal()
        line = ProgressLine(terminal, clock=lambda: next(times))
        for done in (1, 2, 3, 4):
            line.show(done, 4)
        drawn = terminal.getvalue().split(ERASE)[1:]
        assert [text.split("]")[1][:7] for text in drawn] == [" 1 of 4", " 3 of 4", " 4 of 4"]

    def test_is_wiped_before_other_lines(self):
        terminal = Terminal()
        line = ProgressLine(terminal)
        line.show(1, 2)
        line.clear()
        line.clear()
        assert terminal.getvalue().endswith(ERASE)
        assert terminal.getvalue().count(ERASE) == 2

    def test_shows_nothing_in_a_pipe(self):
        pipe = StringIO()
        line = ProgressLine(pipe)
        line.show(1, 2)
        line.clear()
        assert pipe.getvalue() == ""


class TestDescribe:
    def test_says_how_far_how_fast_and_how_long_still(self):
        assert describe(250_000, 1_000_000, 5_000) == (
            f"[{'#' * 6}{'.' * 18}] 250,000 of 1,000,000 pictures, 50.0 a second, 4 h 10 min left"
        )

    def test_nothing_is_left_at_the_end(self):
        assert describe(8, 8, 2.0) == f"[{'#' * 24}] 8 of 8 pictures, 4.0 a second"


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1 s"), (99, "99 s"), (100, "2 min"), (5_900, "98 min"), (6_000, "1 h 40 min")]
)
def test_time_left(seconds, words):
    assert time_left(seconds) == words
