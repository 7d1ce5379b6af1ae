from __future__ import annotations

import asyncio
import threading

import pytest

from enrollment.runtime.database import run_in_database_thread


class Work:
    """A piece of database work that takes until it is let go."""

    def __init__(self) -> None:
        self.begun, self.let_go = threading.Event(), threading.Event()
        self.done = False

    def __call__(self) -> None:
        self.begun.set()
        self.let_go.wait(20)
        self.done = True

    async def start(self) -> asyncio.Task[None]:
        task = asyncio.create_task(run_in_database_thread(self))
        await asyncio.to_thread(self.begun.wait, 20)
        return task


class TestRunInDatabaseThread:
    async def test_who_is_cancelled_waits_until_the_work_is_done(self):
        work = Work()
        task = await work.start()
        for _ in range(2):  # the second one comes while the first is waiting
            task.cancel()
            await asyncio.sleep(0.01)
        assert not task.done()
        work.let_go.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert work.done

    async def test_an_error_of_the_work_reaches_who_asked(self):
        with pytest.raises(ZeroDivisionError):
            await run_in_database_thread(lambda: 1 / 0)
