from __future__ import annotations

import queue
import threading
from concurrent.futures import CancelledError

import pytest

from recognizer.threads import LastWaiterFirst, WarmThreads


@pytest.fixture
def pool():
    with WarmThreads(3, "test") as threads:
        yield threads


def all_at_once(pool: WarmThreads, count: int) -> list[int]:
    """Threads, in the order in which they came back to the pool."""
    together = threading.Barrier(count)
    may_end = [threading.Event() for _ in range(count)]

    def work(number: int) -> int:
        together.wait(10)
        assert may_end[number].wait(10)
        return threading.get_ident()

    running = [pool.submit(work, number) for number in range(count)]
    idents = []
    for number, future in enumerate(running):
        may_end[number].set()
        idents.append(future.result(10))
        while len(pool._work_queue._waiters) <= number:
            assert not threading.Event().wait(0.001)
    return idents


class TestWarmThreads:
    def test_who_worked_last_works_next(self, pool):
        *_, last = all_at_once(pool, 3)
        assert pool.submit(threading.get_ident).result(10) == last

    def test_work_is_done_in_its_order(self):
        done: list[int] = []
        with WarmThreads(1, "test") as one:
            may_begin = threading.Event()
            one.submit(may_begin.wait, 10)
            for number in range(5):
                one.submit(done.append, number)
            assert one.waiting == 5
            may_begin.set()
        assert done == list(range(5))

    def test_what_is_raised_reaches_the_caller(self, pool):
        with pytest.raises(ZeroDivisionError):
            pool.submit(lambda: 1 / 0).result(10)

    def test_a_pool_that_is_shut_down_ends_its_threads_and_cancels_what_waits(self):
        pool, may_end = WarmThreads(1, "test"), threading.Event()
        running, waiting = pool.submit(may_end.wait, 10), pool.submit(int)
        pool.shutdown(wait=False, cancel_futures=True)
        may_end.set()
        pool.shutdown(wait=True)
        assert running.result(10)
        with pytest.raises(CancelledError):
            waiting.result(10)
        assert not [thread for thread in pool._threads if thread.is_alive()]
        with pytest.raises(RuntimeError):
            pool.submit(int)

    def test_resting_threads_end_too(self):
        pool = WarmThreads(3, "test")
        all_at_once(pool, 3)
        pool.shutdown(wait=True)
        assert not [thread for thread in pool._threads if thread.is_alive()]


class TestLastWaiterFirst:
    def test_nothing_there_is_said_at_once_to_who_will_not_wait(self):
        with pytest.raises(queue.Empty):
            LastWaiterFirst().get_nowait()
