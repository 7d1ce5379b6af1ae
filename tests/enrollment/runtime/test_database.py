from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from enrollment.runtime import database
from enrollment.runtime.database import run_after, run_in_database_thread
from security.models import Lease

pytestmark = pytest.mark.django_db(transaction=True)


def connection_in_use() -> tuple[int, object]:
    connection.ensure_connection()
    return threading.get_ident(), connection.connection


async def connections_of_one_thread(times: int) -> set[object]:
    found = [await run_in_database_thread(connection_in_use) for _ in range(times)]
    thread = found[0][0]
    return {opened for ident, opened in found if ident == thread}


@pytest.mark.asyncio
class TestConnections:
    async def test_sqlites_is_kept_for_the_threads_next_work_and_a_servers_is_not(self):
        used = await connections_of_one_thread(12)
        assert (len(used) == 1) == (connection.vendor == "sqlite")

    async def test_one_that_was_left_in_a_transaction_is_closed(self, monkeypatch):
        monkeypatch.setattr(database, "_database_threads", ThreadPoolExecutor(max_workers=1))

        def leave_open() -> None:
            transaction.set_autocommit(False)
            Lease.objects.create(name="left behind")

        await run_in_database_thread(leave_open)
        assert not await run_in_database_thread(Lease.objects.filter(name="left behind").exists)
        assert await run_in_database_thread(transaction.get_autocommit)


@pytest.mark.asyncio
class TestRunAfter:
    async def test_work_goes_on_with_what_another_thread_found(self):
        first: Future[int] = Future()
        waiting = asyncio.create_task(run_after(first, lambda found: (found, Lease.objects.count())))
        await asyncio.sleep(0)
        first.set_result(7)
        assert await waiting == (7, 0)

    async def test_what_the_other_thread_raised_is_raised_and_nothing_is_run(self):
        first: Future[int] = Future()
        first.set_exception(ValueError("no picture"))
        with pytest.raises(ValueError, match="no picture"):
            await run_after(first, lambda _: Lease.objects.create(name="never"))
        assert not await run_in_database_thread(Lease.objects.exists)

    async def test_what_the_work_raises_is_raised(self):
        first: Future[str] = Future()
        first.set_result("missing")
        with pytest.raises(Lease.DoesNotExist):
            await run_after(first, lambda name: Lease.objects.get(name=name))

    async def test_work_that_was_given_up_is_cancelled(self):
        first: Future[int] = Future()
        first.cancel()
        first.set_running_or_notify_cancel()
        with pytest.raises(asyncio.CancelledError):
            await run_after(first, lambda found: found)

    async def test_a_cancelled_caller_ends_when_the_work_has_ended(self):
        first: Future[int] = Future()
        waiting = asyncio.create_task(run_after(first, lambda _: Lease.objects.create(name="done all the same")))
        await asyncio.sleep(0)
        waiting.cancel()
        first.set_result(1)
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await run_in_database_thread(Lease.objects.filter(name="done all the same").exists)
