from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from recognizer import stopwatch
from recognizer.stopwatch import Stopwatch


@pytest.fixture
def clock(monkeypatch) -> Any:
    """`clock.now` is what time.perf_counter() says."""
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(stopwatch, "time", SimpleNamespace(perf_counter=lambda: clock.now))
    return clock


class TestStopwatch:
    def test_a_lap_is_all_the_time_since_the_last_one(self, clock):
        watch = Stopwatch()
        clock.now = 101.0
        assert watch.lap("decode") == 101.0
        clock.now = 103.0
        watch.lap("detect")
        assert watch.timings() == {"decode": 1000.0, "detect": 2000.0, "total": 3000.0}

    def test_a_measured_stage_leaves_out_what_lies_between_and_adds_up(self, clock):
        watch = Stopwatch()
        for moment in (101.0, 111.0):
            clock.now = moment
            with watch.measure("search"):
                clock.now += 2.0
        assert watch.timings() == {"search": 4000.0, "total": 13000.0}

    def test_the_work_may_have_begun_before(self, clock):
        watch = Stopwatch(started=90.0)
        watch.lap("queue")
        assert watch.timings() == {"queue": 10000.0, "total": 10000.0}
