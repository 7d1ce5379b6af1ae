from __future__ import annotations

import threading
import time

import pytest

from recognizer.turns import Turns


def wait_for(what) -> None:
    deadline = time.monotonic() + 10
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.001)


class TestTurns:
    def test_nobody_has_a_turn_at_none(self):
        with pytest.raises(ValueError, match="Nobody"):
            Turns(0)

    def test_no_more_than_so_many_have_their_turn_at_once(self):
        turns, at_work, most, guard = Turns(2), 0, 0, threading.Lock()

        def work() -> None:
            nonlocal at_work, most
            for _ in range(50):
                with turns:
                    with guard:
                        at_work += 1
                        most = max(most, at_work)
                    time.sleep(0.0001)
                    with guard:
                        at_work -= 1

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert (most, at_work, turns.waiting) == (2, 0, 0)

    def test_who_waits_longest_comes_next_even_if_another_asks_at_the_right_moment(self):
        turns, came = Turns(1), []

        def work(name: str) -> None:
            with turns:
                came.append(name)

        threads = [threading.Thread(target=work, args=(name,)) for name in "abc"]
        with turns:
            for number, thread in enumerate(threads, start=1):
                thread.start()
                wait_for(lambda number=number: turns.waiting == number)
        with turns:
            came.append("late")
        for thread in threads:
            thread.join(10)
        assert came == ["a", "b", "c", "late"]

    def test_an_error_gives_the_turn_back(self):
        turns = Turns(1)
        with pytest.raises(KeyError), turns:
            raise KeyError
        with turns:
            assert turns.waiting == 0
